//! Which linear maps a low-rank belt acts on: by name, by pattern, all, or the family's usual ones.
//!
//! The rules are those of the `peft` library, so that a configuration means the same here and there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::LoraConfig;
use super::pattern::Pattern;
use crate::checkpoint::ConfigFile;
use crate::error::{Error, Result};

/// A choice of linear maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Those whose path is one of these, or ends with one of them after a point.
    Names(Vec<String>),
    /// Those whose whole path is matched by a regular expression.
    Pattern(String),
    /// Every linear map but the output head.
    AllLinear,
    /// Those of every attention: queries, keys, values and the output.
    Attention,
    /// What `peft` takes for the family: mostly queries and values.
    Default,
}

/// How `peft` writes `Targets::AllLinear`.
const ALL_LINEAR: &str = "all-linear";

impl Targets {
    /// A list of names, or a string: `all-linear` or a regular expression.
    pub(super) fn read(file: &ConfigFile, key: &str) -> Result<Option<Targets>> {
        Ok(match file.value(key) {
            None => None,
            Some(Value::String(text)) if text.eq_ignore_ascii_case(ALL_LINEAR) => {
                Some(Targets::AllLinear)
            }
            Some(Value::String(text)) => {
                if let Err(error) = Pattern::whole(text) {
                    let expected =
                        format!("names, `{ALL_LINEAR}` or a regular expression ({error})");
                    return Err(file.wrong(key, expected));
                }
                Some(Targets::Pattern(text.clone()))
            }
            _ => {
                let names: Vec<&str> = file.strings(key)?;
                let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
                Some(Targets::Names(names)).filter(|_| file.has(key))
            }
        })
    }

    /// As `peft` writes it.
    pub(crate) fn written(&self) -> Value {
        match self {
            Targets::Names(names) => names.clone().into(),
            Targets::Pattern(text) => text.clone().into(),
            Targets::AllLinear => ALL_LINEAR.into(),
            Targets::Attention | Targets::Default => Value::Null,
        }
    }

    /// The same choice for one family.
    fn of_family(&self, family: &str) -> Targets {
        let names = match self {
            Targets::Default => usual(family),
            Targets::Attention => attention(family),
            other => return other.clone(),
        };
        Targets::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// Queries and values, or the one map that holds them: `peft`'s own table, and for families that it
/// does not list what it takes for their like.
fn usual(family: &str) -> &'static [&'static str] {
    match family {
        "bert" | "roberta" => &["query", "value"],
        "gpt_bigcode" => &["c_attn"],
        "modernbert" => &["Wqkv"],
        "t5" => &["q", "v"],
        _ => &["q_proj", "v_proj"],
    }
}

fn attention(family: &str) -> &'static [&'static str] {
    match family {
        "bert" | "roberta" => &["query", "key", "value", "attention.output.dense"],
        "gpt_bigcode" => &["c_attn", "attn.c_proj"],
        "modernbert" => &["attn.Wqkv", "attn.Wo"],
        "t5" => &["q", "k", "v", "o"],
        _ => &["q_proj", "k_proj", "v_proj", "o_proj"],
    }
}

/// Whether a path is one of the names or ends with one of them.
fn named(names: &[String], path: &str) -> bool {
    names.iter().any(|name| ends_with(path, name))
}

fn ends_with(path: &str, name: &str) -> bool {
    let before = path.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The sites of a new belt among the linear maps `paths` of a base, in their order.
pub(crate) fn sites(
    config: &LoraConfig,
    family: &str,
    paths: &[String],
) -> Result<BTreeSet<String>> {
    let choice = Choice::new(config, family)?;
    if let Targets::Names(names) = &choice.targets {
        let unknown = |name: &&String| !paths.iter().any(|path| ends_with(path, name));
        let asked: Vec<String> = names.iter().filter(unknown).cloned().collect();
        if !asked.is_empty() {
            return Err(unknown_sites(asked, paths));
        }
    }
    let chosen: BTreeSet<String> = paths
        .iter()
        .filter(|path| choice.takes(path))
        .cloned()
        .collect();
    match (chosen.is_empty(), &config.targets) {
        (false, _) => Ok(chosen),
        (true, Targets::Pattern(text)) => Err(unknown_sites(vec![text.clone()], paths)),
        (true, _) => Err(Error::plan(
            "target_modules",
            "at least one linear map",
            "none after exclude_modules and layers_to_transform",
        )),
    }
}

fn unknown_sites(asked: Vec<String>, paths: &[String]) -> Error {
    let last = |path: &String| path.rsplit('.').next().unwrap_or_default().to_owned();
    let known: BTreeSet<String> = paths.iter().map(last).collect();
    Error::UnknownSites {
        asked,
        known: known.into_iter().collect(),
    }
}

/// The names to write for a set of sites: their last parts if these mean just them, else whole
/// paths.
pub(crate) fn names_of(sites: &BTreeSet<String>, paths: &[String]) -> Vec<String> {
    let last = |path: &String| path.rsplit('.').next().unwrap_or_default().to_owned();
    let short: BTreeSet<String> = sites.iter().map(last).collect();
    let short: Vec<String> = short.into_iter().collect();
    let exact = paths
        .iter()
        .all(|path| named(&short, path) == sites.contains(path));
    if exact {
        short
    } else {
        sites.iter().cloned().collect()
    }
}

/// The settings that choose sites, ready to be asked.
struct Choice<'c> {
    targets: Targets,
    pattern: Option<Pattern>,
    exclude: Option<&'c Targets>,
    exclude_pattern: Option<Pattern>,
    layers: Option<&'c [usize]>,
    layer_patterns: Vec<Pattern>,
}

impl<'c> Choice<'c> {
    fn new(config: &'c LoraConfig, family: &str) -> Result<Choice<'c>> {
        let whole = |key, targets: Option<&Targets>| match targets {
            Some(Targets::Pattern(text)) => compiled(key, text, Pattern::whole(text)).map(Some),
            _ => Ok(None),
        };
        let key = "layers_pattern";
        let layer = |text: &String| compiled(key, text, Pattern::layer(Some(text)));
        let layer_patterns = match config.layers_pattern.is_empty() {
            true => vec![compiled(key, "", Pattern::layer(None))?],
            false => config
                .layers_pattern
                .iter()
                .map(layer)
                .collect::<Result<_>>()?,
        };
        Ok(Choice {
            targets: config.targets.of_family(family),
            pattern: whole("target_modules", Some(&config.targets))?,
            exclude: config.exclude.as_ref(),
            exclude_pattern: whole("exclude_modules", config.exclude.as_ref())?,
            layers: config.layers.as_deref().filter(|layers| !layers.is_empty()),
            layer_patterns,
        })
    }

    fn takes(&self, path: &str) -> bool {
        let excluded = match self.exclude {
            Some(Targets::Names(names)) => named(names, path),
            _ => self
                .exclude_pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(path)),
        };
        if excluded {
            return false;
        }
        match &self.targets {
            Targets::Names(names) if names.iter().any(|name| name == path) => true,
            Targets::Names(names) => named(names, path) && self.in_layers(path),
            Targets::AllLinear => self.in_layers(path),
            _ => self
                .pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(path)),
        }
    }

    fn in_layers(&self, path: &str) -> bool {
        let Some(layers) = self.layers else {
            return true;
        };
        let index = self
            .layer_patterns
            .iter()
            .find_map(|pattern| pattern.index(path));
        index.is_some_and(|index| layers.contains(&index))
    }
}

fn compiled(
    key: &'static str,
    text: &str,
    built: std::result::Result<Pattern, String>,
) -> Result<Pattern> {
    built.map_err(|error| {
        Error::plan(
            key,
            "a regular expression",
            format_args!("`{text}`: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> Vec<String> {
        let mut paths = Vec::new();
        for layer in 0..3 {
            for map in ["attn.query", "attn.value", "attn.dense", "mlp.dense"] {
                paths.push(format!("encoder.layer.{layer}.{map}"));
            }
        }
        paths.push("head.transform.dense".into());
        paths
    }

    fn chosen(config: LoraConfig) -> Vec<String> {
        sites(&config, "bert", &paths())
            .unwrap()
            .into_iter()
            .collect()
    }

    fn names(names: &[&str]) -> Targets {
        Targets::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn names_are_ends_of_paths_and_layers_cut_them_down() {
        let config = LoraConfig {
            targets: names(&["mlp.dense", "value"]),
            layers: Some(vec![1]),
            ..LoraConfig::default()
        };
        assert_eq!(
            chosen(config),
            ["encoder.layer.1.attn.value", "encoder.layer.1.mlp.dense"]
        );
    }

    #[test]
    fn a_pattern_must_match_the_whole_path_and_exclusions_win() {
        let config = LoraConfig {
            targets: Targets::Pattern(r"encoder\.layer\.[02]\..*".into()),
            exclude: Some(names(&["dense"])),
            ..LoraConfig::default()
        };
        assert_eq!(chosen(config).len(), 4);
        let all = LoraConfig {
            targets: Targets::AllLinear,
            exclude: Some(Targets::Pattern("head.*".into())),
            ..LoraConfig::default()
        };
        assert_eq!(chosen(all).len(), 12);
        assert_eq!(chosen(LoraConfig::default()).len(), 6);
    }

    #[test]
    fn unknown_names_are_refused_with_those_that_exist() {
        let config = LoraConfig {
            targets: names(&["query", "q_proj"]),
            ..LoraConfig::default()
        };
        let error = sites(&config, "bert", &paths()).unwrap_err().to_string();
        assert_eq!(
            error,
            "no linear map of the base is called q_proj: it has dense, query, value"
        );
    }

    #[test]
    fn written_names_mean_exactly_the_sites() {
        let all = paths();
        let some: BTreeSet<String> = all
            .iter()
            .filter(|path| path.ends_with("query"))
            .cloned()
            .collect();
        assert_eq!(names_of(&some, &all), ["query"]);
        let one: BTreeSet<String> = [all[3].clone()].into();
        assert_eq!(names_of(&one, &all), ["encoder.layer.0.mlp.dense"]);
    }
}
