//! The words in which a row is asked: a template over a question, label words, examples and texts.
//!
//! A template is a Jinja program with nothing in reach but these; it is bounded in work, and a name
//! that it does not know is an error, not an empty text.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use crate::error::{Error, Result};
use crate::recipe::{Asking, TaskSettings, TaskType};

/// Steps of one rendering.
const FUEL: u64 = 1_000_000;

/// Texts of a row by the names that templates know.
pub type Texts = Vec<(&'static str, String)>;

/// A row that is shown, with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub texts: Texts,
    pub answer: String,
}

/// A compiled template with its question.
pub struct Template {
    environment: Environment<'static>,
    task: String,
    question: String,
    words: Vec<String>,
}

const NAME: &str = "prompt";

const CLASSIFY: &str = "{{ question }} Answer with one word: {{ words | join(' or ') }}.

{% for example in examples %}Code:
{{ example.text }}
Answer: {{ example.answer }}

{% endfor %}Code:
{{ text }}
Answer:";

const PAIR: &str = "{{ question }} Answer with one word: {{ words | join(' or ') }}.

{% for example in examples %}First:
{{ example.first }}
Second:
{{ example.second }}
Answer: {{ example.answer }}

{% endfor %}First:
{{ first }}
Second:
{{ second }}
Answer:";

const RETRIEVE: &str = "{{ question }} Answer with one word: {{ words | join(' or ') }}.

{% for example in examples %}Query:
{{ example.query }}
Candidate:
{{ example.candidate }}
Answer: {{ example.answer }}

{% endfor %}Query:
{{ query }}
Candidate:
{{ candidate }}
Answer:";

const GENERATE: &str = "{{ question }}

{% for example in examples %}Input:
{{ example.source }}
Output:
{{ example.answer }}


{% endfor %}Input:
{{ source }}
Output:
";

/// What a task is asked where nobody says: by its preset, else by its type.
fn usual_question(settings: &TaskSettings) -> &'static str {
    match (settings.preset.as_deref(), settings.kind) {
        (Some("defect"), _) => "Does the following function have a security vulnerability?",
        (Some("flaky"), _) => {
            "Is the following test flaky, so that it may pass or fail on the same code?"
        }
        (Some("clone"), _) => "Do the following two functions do the same?",
        (Some("search"), _) => "Does the candidate code answer the query?",
        (Some("generate"), _) => "Write code that does what the input says. Give only the code.",
        (Some("translate"), _) => {
            "Translate the input into the other programming language. Give only the code."
        }
        (Some("summarize"), _) => {
            "Say in one sentence what the input does. Give only the sentence."
        }
        (_, Some(TaskType::Pair)) => "Do the following two texts belong together?",
        (_, Some(TaskType::Retrieve)) => "Does the candidate answer the query?",
        (_, Some(TaskType::Generate)) => {
            "Give the output that belongs to the input, and nothing else."
        }
        _ => "Which of these is the following?",
    }
}

impl Template {
    /// The template of a task. It is tried at once, so that a wrong one is told before any work.
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        asking: &Asking,
        words: &[String],
    ) -> Result<Template> {
        let (usual, names): (&str, &[&'static str]) = match settings.kind {
            Some(TaskType::Pair) => (PAIR, &["first", "second"]),
            Some(TaskType::Retrieve) => (RETRIEVE, &["query", "candidate"]),
            Some(TaskType::Generate) => (GENERATE, &["source"]),
            Some(TaskType::Classify) | None => (CLASSIFY, &["text"]),
        };
        let source = asking.template.clone();
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| refused(task, &error))?);
        let added =
            environment.add_template_owned(NAME, source.unwrap_or_else(|| usual.to_owned()));
        added.map_err(|error| refused(task, &error))?;
        let question = asking.question.clone();
        let template = Template {
            environment,
            task: task.to_owned(),
            question: question.unwrap_or_else(|| usual_question(settings).to_owned()),
            words: words.to_vec(),
        };
        let mark = |number: usize| format!("<<text {number}>>");
        let texts: Texts = names
            .iter()
            .enumerate()
            .map(|(n, name)| (*name, mark(n)))
            .collect();
        let tried = template.render(&[], &texts)?;
        match texts
            .iter()
            .find(|(_, mark)| !tried.contains(mark.as_str()))
        {
            None => Ok(template),
            Some((name, _)) => Err(Error::Setting {
                origin: format!("prompting.tasks.{task}"),
                key: "template".into(),
                message: format!("the row's `{name}` does not stand in what it makes"),
                hint: Some(format!("write `{{{{ {name} }}}}` where it belongs")),
            }),
        }
    }

    /// The prompt of a row after examples, the last of them nearest to it.
    pub fn render(&self, examples: &[Shown], texts: &Texts) -> Result<String> {
        let example = |shown: &Shown| {
            let answer = ("answer", Value::from(shown.answer.as_str()));
            let named = shown.texts.iter().map(pair).chain([answer]);
            Value::from(named.collect::<Kwargs>())
        };
        let examples: Vec<Value> = examples.iter().map(example).collect();
        let all = context! { question => self.question.as_str(), words => &self.words, examples => examples };
        let own = Value::from(texts.iter().map(pair).collect::<Kwargs>());
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|t| t.render(context! { ..own, ..all }));
        rendered.map_err(|error| refused(&self.task, &error))
    }
}

fn pair((name, text): &(&'static str, String)) -> (&'static str, Value) {
    (name, Value::from(text.as_str()))
}

fn refused(task: &str, error: &minijinja::Error) -> Error {
    let line = error.line().map(|line| format!(" in its line {line}"));
    let detail = error.detail().unwrap_or_default();
    Error::Setting {
        origin: format!("prompting.tasks.{task}"),
        key: "template".into(),
        message: format!("{}{}: {detail}", error.kind(), line.unwrap_or_default()),
        hint: Some("docs/prompting.md shows the usual templates and their names".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: TaskType) -> TaskSettings {
        TaskSettings {
            kind: Some(kind),
            ..TaskSettings::default()
        }
    }

    #[test]
    fn examples_stand_before_the_row_and_nothing_is_escaped() {
        let words = ["no".to_owned(), "yes".to_owned()];
        let asking = Asking {
            question: Some("Is it so?".into()),
            ..Asking::default()
        };
        let template = Template::new("t", &settings(TaskType::Classify), &asking, &words).unwrap();
        let shown = Shown {
            texts: vec![("text", "a < b && {{ c }}".into())],
            answer: "yes".into(),
        };
        let prompt = template
            .render(&[shown], &vec![("text", "x".into())])
            .unwrap();
        let expected = "Is it so? Answer with one word: no or yes.\n\nCode:\na < b && {{ c }}\nAnswer: yes\n\nCode:\nx\nAnswer:";
        assert_eq!(prompt, expected);
    }

    #[test]
    fn a_template_without_the_row_or_with_unknown_names_is_refused() {
        let of = |template: &str, kind| {
            let asking = Asking {
                template: Some(template.into()),
                ..Asking::default()
            };
            let made = Template::new("t", &settings(kind), &asking, &[]);
            made.err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(of("{{ question }}", TaskType::Classify).contains("`text` does not stand"));
        assert!(of("{{ text }} {{ nothing }}", TaskType::Classify).contains("undefined"));
        assert!(of("{{ text ", TaskType::Classify).contains("template"));
        assert!(of("{{ first }}", TaskType::Pair).contains("`second`"));
        assert!(of("{% for a in range(9999) %}{% for b in range(9999) %}{{ text }}{% endfor %}{% endfor %}", TaskType::Classify).contains("fuel"));
        assert_eq!(of("{{ source }}", TaskType::Generate), "");
    }
}
