//! Texts by asking: what the model writes, taken as it is.
//!
//! White space at both ends is taken off, and the fences of a text that is one fenced block. A text
//! that was cut or is empty is a failure.

use super::asked::Asked;
use super::fit::Fitted;
use super::model::Manner;
use super::rows::Kept;
use crate::data::Content;
use crate::error::Result;
use crate::evaluate::Example;
use crate::evaluate::example::Written;

/// Ends a text of a base that only continues: prompts put it between examples.
const BETWEEN: &str = "\n\n\n";

/// Answers to the rows of a task that writes.
pub fn answers(asked: &Asked<'_>) -> Result<Vec<Example>> {
    let (_, _, target) = asked.limits();
    let usual = || match asked.model.converses() {
        true => Vec::new(),
        false => vec![BETWEEN.to_owned()],
    };
    let manner = Manner {
        max_tokens: target,
        temperature: asked.prompting.temperature,
        seed: asked.prompting.seed,
        stop: asked.asking.stop.clone().unwrap_or_else(usual),
    };
    let prompt = |row: &Kept| asked.prompt(row, asked.texts(&row.content), target);
    let fitted = asked.drawn.rows.iter().map(prompt);
    let fitted = fitted.collect::<Result<Vec<Fitted>>>()?;
    let said = asked.of_fitted(fitted, |prompts| asked.model.write(prompts, &manner))?;
    let both = asked.drawn.rows.iter().zip(said);
    let example = |(row, said): (&Kept, std::result::Result<String, String>)| {
        let text = said.and_then(|said| match bare(&said) {
            "" => Err("empty".to_owned()),
            text => Ok(text.to_owned()),
        });
        let expected = match &row.content {
            Content::Writing { target, .. } => target.clone(),
            _ => None,
        };
        let (written, failed) = match text {
            Ok(text) => (Some(text), None),
            Err(reason) => (None, Some(asked.failed(reason))),
        };
        Example::Written(Written {
            name: row.name.clone(),
            written,
            expected,
            nats: None,
            tokens: None,
            failed,
        })
    };
    Ok(both.map(example).collect())
}

/// A text without white space around it and, if all of it is one fenced block, without the fences.
pub fn bare(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|t| t.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        Some((language, body)) if !body.contains("```") && !language.contains(' ') => body.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_around_all_of_a_text_are_taken_off_and_no_others() {
        assert_eq!(bare("  a b \n"), "a b");
        assert_eq!(bare("```java\nint a;\n```"), "int a;");
        assert_eq!(bare("```\nint a;\n```\n"), "int a;");
        let two = "```\na\n```\nand\n```\nb\n```";
        assert_eq!(bare(two), two);
        assert_eq!(bare("Here: ```a```"), "Here: ```a```");
        assert_eq!(bare("``````"), "``````");
        assert_eq!(bare("```\n```"), "");
    }
}
