//! Flags of `skillbelt train` that override keys of a recipe: one for every key, from the typed
//! sections, so that a new key is a flag at once.

use clap::{Arg, ArgAction};
use skillbelt_train::recipe::Recipe;
use skillbelt_train::recipe::shape::{Key, Shape, Shaped};

/// Sections whose keys are flags, each with its heading in the help.
const SECTIONS: [(&str, &str); 4] = [
    ("base", "Base"),
    ("belt", "Belt"),
    ("training", "Training"),
    ("evaluation", "Evaluation"),
];

/// One flag of the recipe.
pub struct Flag {
    /// `training.learning_rate`
    pub key: String,
    /// `learning_rate`; its name in the parsed arguments.
    pub id: &'static str,
    /// Without dashes.
    pub long: String,
    heading: &'static str,
    meaning: String,
    value: &'static str,
}

/// Every key that has a flag, from the typed sections of the recipe.
pub fn flags() -> Vec<Flag> {
    let whole = Recipe::shape();
    let mut flags = Vec::new();
    for (section, heading) in SECTIONS {
        let keys = whole.keys().iter().find(|key| key.name == section);
        for key in keys.map(|key| key.shape.keys()).unwrap_or_default() {
            flags.push(Flag::of(section, heading, key));
        }
    }
    flags
}

impl Flag {
    fn of(section: &str, heading: &'static str, key: &Key) -> Flag {
        // The keys that name a section are called like it.
        let long = match (section, key.name) {
            ("base", "name") => "base".to_owned(),
            ("belt", "kind") => "belt".to_owned(),
            (_, name) => name.replace('_', "-"),
        };
        let value = match key.shape {
            Shape::Count => "COUNT",
            Shape::Number => "NUMBER",
            Shape::Switch => "true|false",
            Shape::Words(_) => "WORD",
            Shape::Map(_) => "{NAME: VALUE}",
            Shape::Path => "PATH",
            _ => "TEXT",
        };
        let mut meaning = key.meaning.trim_end_matches('.').to_owned();
        if let Shape::Words(words) = &key.shape {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            meaning += &format!(": {}", words.join(", "));
        }
        Flag {
            key: format!("{section}.{}", key.name),
            id: key.name,
            long,
            heading,
            meaning,
            value,
        }
    }

    pub fn arg(self) -> Arg {
        Arg::new(self.id)
            .long(self.long)
            .value_name(self.value)
            .help(self.meaning)
            .help_heading(self.heading)
            .allow_hyphen_values(true)
            .action(ArgAction::Set)
    }
}
