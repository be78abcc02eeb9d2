//! What measures are called, and which definition each name stands for.
//!
//! A measure that exists in several definitions has its own in its name. Names that older recipes and
//! files use are understood for ever, and written never.

use serde::{Deserialize, Deserializer};

/// Older names, and what they are called now.
const OLDER: [(&str, &str); 2] = [
    ("bleu", "bleu_codexglue"),
    ("bleu_smooth", "bleu_codexglue_smooth"),
];

/// The name under which a measure is written. A name that is no measure's stays as it is.
pub fn full(name: &str) -> &str {
    let found = OLDER.iter().find(|(older, _)| *older == name);
    found.map_or(name, |(_, now)| now)
}

/// The name of a measure in a recipe or in the description of a belt, whichever was written there.
pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    Ok(name.map(|name| full(&name).to_owned()))
}

/// The definition behind a name, in a few words; `docs/metrics.md` has the formulas. Nothing where
/// there is one definition only.
pub fn dialect(name: &str) -> Option<&'static str> {
    Some(match full(name) {
        "bleu_codexglue" => {
            "CodeXGLUE's translation and CONCODE: words by white space, add-one, of all texts"
        }
        "bleu_codexglue_smooth" => {
            "CodeXGLUE's code-to-text: small letters, add-one from order 2, mean"
        }
        "sacrebleu_13a" => "sacrebleu 2.6, tok:13a smooth:exp, of all texts",
        "exact_match" => "letter by letter",
        "exact_match_words" => "word by word, CONCODE",
        "rouge_l" => "rouge-score, F1 without stemmer, mean",
        "rouge_l_stem" => "rouge-score, F1 with Porter's stemmer, mean",
        "meteor_exact_stem" => "nltk without synonyms, mean",
        "meteor_nltk" => "nltk with WordNet, mean",
        "chrf" => "sacrebleu's chrF2",
        "chrf++" => "sacrebleu's chrF2++",
        "edit_similarity" => "fuzzywuzzy's ratio, as a fraction, mean",
        "map@R" => "POJ-104: precisions within the first R places over R",
        "mrr@list" => "zero beyond the end of the lists, as CodeXGLUE's evaluator",
        "f1" | "precision" | "recall" => "of class 1; macro of more classes",
        "auc" => "one against the rest, macro, of more classes",
        "calibration_error@15" => "15 bins of equal width",
        name if name.starts_with("codebleu_paper") => "arXiv 2009.10297",
        name if name.starts_with("codebleu_package") => "codebleu 0.7.0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::TaskSettings;

    #[test]
    fn older_names_are_understood_and_no_longer_written() {
        assert_eq!(full("bleu"), "bleu_codexglue");
        assert_eq!(full("bleu_codexglue"), "bleu_codexglue");
        let old = r#"{"type": "generate", "metric": "bleu_smooth"}"#;
        let settings: TaskSettings = serde_json::from_str(old).unwrap();
        assert_eq!(settings.metric.as_deref(), Some("bleu_codexglue_smooth"));
        let written = serde_json::to_string(&settings).unwrap();
        assert!(written.contains("bleu_codexglue_smooth"), "{written}");
        let none: TaskSettings = serde_json::from_str(r#"{"type": "generate"}"#).unwrap();
        assert_eq!(none.metric, None);
    }

    #[test]
    fn every_measure_of_texts_says_by_which_definition() {
        for (name, _) in crate::metric::text(&["a b"], &["a b"]) {
            assert!(dialect(name).is_some(), "{name}");
        }
    }
}
