//! From a tree to typed sections: every key must be known, every value of the right kind.
//!
//! All that does not conform is told, each with its place; whether values fit together is asked
//! elsewhere.

use serde_json::{Map, Number, Value as Json};

use crate::recipe::problem::Problem;
use crate::recipe::shape::{Key, Shape};
use crate::recipe::suggest::{nearest, translated};
use crate::recipe::tree::{Node, Origin, Value};

/// A tree against the shape of the whole recipe.
pub struct Conform<'s> {
    pub whole: &'s Shape,
    pub problems: Vec<Problem>,
    /// What is read, in a word.
    called: &'static str,
    path: Vec<String>,
}

impl<'s> Conform<'s> {
    pub fn new(whole: &'s Shape) -> Conform<'s> {
        Conform::called(whole, "recipe")
    }

    /// The same for a file that is called something else than a recipe.
    pub fn called(whole: &'s Shape, called: &'static str) -> Conform<'s> {
        Conform {
            whole,
            called,
            problems: Vec::new(),
            path: Vec::new(),
        }
    }

    /// The tree as JSON that the typed recipe reads; incomplete if there were problems.
    pub fn recipe(&mut self, tree: &Node) -> Json {
        let whole = self.whole;
        self.value(tree, whole).unwrap_or(Json::Null)
    }

    fn told(&mut self, origin: &Origin, message: impl Into<String>) {
        let key = match self.path.is_empty() {
            true => self.called.to_owned(),
            false => self.path.join("."),
        };
        self.problems
            .push(Problem::new(origin.clone(), key, message));
    }

    fn value(&mut self, node: &Node, shape: &Shape) -> Option<Json> {
        match (shape, &node.value) {
            (Shape::OneOf(_, shapes), _) => {
                if let Some(listed) = listed(node, shape) {
                    return self.value(&listed, shape);
                }
                match shapes.iter().find(|shape| has_form(node, shape)) {
                    Some(shape) => self.value(node, shape),
                    None => self.wrong(node, shape),
                }
            }
            (Shape::Section(keys), Value::Map(entries)) => self.section(entries, keys),
            (Shape::Section(_) | Shape::Map(_), Value::Nothing) => Some(Json::Object(Map::new())),
            (Shape::Map(inner), Value::Map(entries)) => {
                let mut map = Map::new();
                for (name, node) in entries {
                    self.path.push(name.clone());
                    if let Some(value) = self.value(node, inner) {
                        map.insert(name.clone(), value);
                    }
                    self.path.pop();
                }
                Some(Json::Object(map))
            }
            (Shape::List(inner), Value::List(items)) => {
                let items = items.iter().filter_map(|item| self.value(item, inner));
                Some(Json::Array(items.collect()))
            }
            (Shape::List(_), Value::Word(_)) => match listed(node, shape) {
                Some(listed) => self.value(&listed, shape),
                None => self.wrong(node, shape),
            },
            (_, Value::Word(word)) => match scalar(word, shape) {
                Some(value) => Some(value),
                None => self.wrong(node, shape),
            },
            _ => self.wrong(node, shape),
        }
    }

    fn wrong(&mut self, node: &Node, shape: &Shape) -> Option<Json> {
        let message = format!("expected {}, found {}", shape.expected(), node.found());
        self.told(&node.origin, message);
        if let (Shape::Words(words), Value::Word(word)) = (shape, &node.value) {
            let near = nearest(word, words.iter().map(|(word, _)| *word));
            if let (Some(near), Some(problem)) = (near, self.problems.last_mut()) {
                problem.hint = Some(format!("did you mean `{near}`?"));
            }
        }
        None
    }

    fn section(&mut self, entries: &[(String, Node)], keys: &[Key]) -> Option<Json> {
        let mut map = Map::new();
        for (name, node) in entries {
            self.path.push(name.clone());
            match keys.iter().find(|key| key.name == name) {
                Some(key) => {
                    if let Some(value) = self.value(node, &key.shape) {
                        map.insert(name.clone(), value);
                    }
                }
                None => self.unknown(name, node, keys),
            }
            self.path.pop();
        }
        Some(Json::Object(map))
    }

    fn unknown(&mut self, name: &str, node: &Node, keys: &[Key]) {
        let place = match self.path.len() {
            1 => format!("a {}", self.called),
            parts => format!("`{}`", self.path[..parts - 1].join(".")),
        };
        let hint = self.meant(name, keys);
        self.told(&node.origin, format!("{place} has no such key"));
        if let Some(problem) = self.problems.last_mut() {
            problem.hint = Some(hint);
        }
    }

    /// What may be done about an unknown key: it belongs elsewhere, or is misspelt.
    fn meant(&self, name: &str, keys: &[Key]) -> String {
        let here = |word: &str| keys.iter().any(|key| key.name == word);
        if let Some(section) = self.home(name) {
            return format!("`{name}` belongs in {section}");
        }
        if let Some(word) = translated(name) {
            if here(word) {
                return format!("it is called `{word}` here");
            }
            if let Some(section) = self.home(word) {
                return format!("it is called `{word}` here, and belongs in {section}");
            }
        }
        if let Some(word) = nearest(name, keys.iter().map(|key| key.name)) {
            return format!("did you mean `{word}`?");
        }
        let sections = self.whole.keys().iter();
        let all = sections.flat_map(|section| section.shape.keys().iter().map(|key| key.name));
        if let Some(word) = nearest(
            name,
            all.chain(self.whole.keys().iter().map(|key| key.name)),
        ) && let Some(section) = self.home(word)
        {
            return format!("did you mean `{word}`? It belongs in {section}");
        }
        let mut names: Vec<String> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
        const LISTED: usize = 16;
        if names.len() > LISTED {
            names.truncate(LISTED);
            names.push("... (docs/recipes.md lists all)".into());
        }
        format!("the keys are {}", names.join(", "))
    }

    /// The section that knows a key, in words.
    fn home(&self, name: &str) -> Option<String> {
        if self.whole.keys().iter().any(|key| key.name == name) {
            return Some(format!("the {} itself, at its left edge", self.called));
        }
        let mut sections = self.whole.keys().iter();
        let home = sections.find(|section| section.shape.keys().iter().any(|k| k.name == name))?;
        Some(match &home.shape {
            Shape::Map(_) => format!("a task, as `{}.NAME.{name}`", home.name),
            _ => format!("`{}`", home.name),
        })
    }
}

/// A list of one needs no brackets; in a flag, commas make a list.
fn listed(node: &Node, shape: &Shape) -> Option<Node> {
    let Value::Word(word) = &node.value else {
        return None;
    };
    let flag = matches!(node.origin, Origin::Flag(_)) && word.contains(',');
    let is_list = matches!(shape, Shape::List(_)) || (flag && shape.takes_list());
    let items: Vec<&str> = match flag {
        true => word.split(',').map(str::trim).collect(),
        false => vec![word],
    };
    let items = items.into_iter();
    let items = items.map(|item| Node::word(node.origin.clone(), item));
    is_list.then(|| Node {
        origin: node.origin.clone(),
        value: Value::List(items.collect()),
    })
}

fn has_form(node: &Node, shape: &Shape) -> bool {
    match (&node.value, shape) {
        (Value::Word(_), Shape::List(_) | Shape::Map(_) | Shape::Section(_)) => false,
        (Value::Word(_), _) => true,
        (Value::List(_), Shape::List(_)) => true,
        (Value::Map(_), Shape::Map(_) | Shape::Section(_)) => true,
        _ => false,
    }
}

fn scalar(word: &str, shape: &Shape) -> Option<Json> {
    match shape {
        Shape::Count => word.parse::<u64>().ok().map(Json::from),
        Shape::Number => {
            let number = word
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())?;
            Number::from_f64(number).map(Json::Number)
        }
        Shape::Switch => match word {
            "true" | "True" | "TRUE" => Some(Json::Bool(true)),
            "false" | "False" | "FALSE" => Some(Json::Bool(false)),
            _ => None,
        },
        Shape::Text => Some(Json::from(word)),
        Shape::Path => (!word.is_empty() && !word.contains('\0')).then(|| Json::from(word)),
        Shape::Words(words) => {
            let known = words.iter().any(|(known, _)| *known == word);
            known.then(|| Json::from(word))
        }
        _ => None,
    }
}
