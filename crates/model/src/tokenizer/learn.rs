//! Learning a tokenizer from texts: byte-level pairs, cut as Qwen2 cuts, written as a `tokenizer.json` that the field's
//! libraries read. It reads no files and chooses no texts; loading and using the result is [`super::Tokenizer`]'s affair.

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, TokenizerBuilder};

use super::error::{Error, Result};
use super::quiet;

/// How a text is cut before pairs are merged: words with one sign before them, digits one by one, runs of signs, ends of
/// lines, blanks. Qwen2's, so that every reader of that family knows it.
const CUTS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The bytes, each of which is a token whatever the texts hold.
const BYTES: usize = 256;

/// Tokens with a role, and what stands around a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// In the order of their ids, from zero on.
    pub tokens: Vec<&'static str>,
    /// Before each text.
    pub before: Option<&'static str>,
    /// After each text.
    pub after: Option<&'static str>,
}

impl Roles {
    /// Of a decoder: one token begins and ends every text, and stands before one that is read.
    pub fn decoder() -> Roles {
        Roles {
            tokens: vec!["<|endoftext|>"],
            before: Some("<|endoftext|>"),
            after: None,
        }
    }

    /// Of an encoder of the BERT family, in RoBERTa's spelling and with its ids.
    pub fn encoder() -> Roles {
        Roles {
            tokens: vec!["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
            before: Some("<s>"),
            after: Some("</s>"),
        }
    }
}

/// Learns merges from texts until there are `size` tokens, or no pair stands twice. The same texts in the same order give
/// the same tokenizer on any number of threads.
pub fn learn<'t>(
    texts: impl Iterator<Item = &'t str> + Send,
    size: usize,
    roles: &Roles,
) -> Result<Value> {
    let least = BYTES + roles.tokens.len();
    if size < least {
        return Err(Error::Text {
            expected: format!("room for the {least} bytes and tokens with a role"),
            found: format!("a vocabulary of {size}"),
        });
    }
    let failed = |reason: String| Error::Library {
        path: "tokenizer.json".into(),
        stage: "learning a tokenizer",
        reason,
    };
    let special = |token: &&str| AddedToken::from(*token, true);
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .special_tokens(roles.tokens.iter().map(special).collect())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    let text = quiet::quietly(|| -> tokenizers::Result<String> {
        let pattern = SplitPattern::Regex(CUTS.into());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?;
        let cuts = Sequence::new(vec![split.into(), bytes().into()]);
        let mut tokenizer =
            TokenizerBuilder::<BPE, tokenizers::NormalizerWrapper, _, ByteLevel, _>::new()
                .with_model(BPE::default())
                .with_pre_tokenizer(Some(cuts))
                .with_post_processor(Some(bytes()))
                .with_decoder(Some(bytes()))
                .build()?;
        tokenizer.train(&mut trainer, texts)?;
        tokenizer.to_string(false)
    });
    let text = text
        .map_err(failed)?
        .map_err(|error| failed(error.to_string()))?;
    let mut recipe: Value =
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    recipe["post_processor"] = around(roles);
    Ok(recipe)
}

/// Bytes as the letters that stand for them; no space is put before a text.
fn bytes() -> ByteLevel {
    ByteLevel::new(false, false, false)
}

/// What stands around one text, and around two.
fn around(roles: &Roles) -> Value {
    let token = |word: &str| json!({"SpecialToken": {"id": word, "type_id": 0}});
    let text = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    let framed = |name: &str| -> Vec<Value> {
        let before = roles.before.map(token);
        let after = roles.after.map(token);
        before
            .into_iter()
            .chain([text(name)])
            .chain(after)
            .collect()
    };
    let id = |word: &str| roles.tokens.iter().position(|token| *token == word);
    let used = roles.before.iter().chain(&roles.after);
    let special: serde_json::Map<String, Value> = used
        .map(|word| {
            (
                (*word).to_owned(),
                json!({"id": word, "ids": [id(word)], "tokens": [word]}),
            )
        })
        .collect();
    let pair = [framed("A"), framed("B")].concat();
    json!({
        "type": "TemplateProcessing",
        "single": framed("A"),
        "pair": pair,
        "special_tokens": special,
    })
}

/// How many bytes of text each token stands for, by id; none for tokens with a role. Exact for tokenizers of this file's
/// form, whose tokens spell bytes by letters.
pub fn byte_lengths(tokenizer: &super::Tokenizer) -> Vec<u32> {
    let special = |token: &str| {
        let roles = [Roles::decoder(), Roles::encoder()];
        roles.iter().any(|roles| roles.tokens.contains(&token))
    };
    let length = |id: usize| match tokenizer.id_token(id as u32) {
        Some(token) if !special(&token) => token.chars().count() as u32,
        _ => 0,
    };
    (0..tokenizer.vocab_size()).map(length).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Tokenizer;

    const TEXTS: [&str; 3] = [
        "fn main() {\n    let value = 1;\n}\n",
        "fn other() {\n    let value = 22;\n}\n",
        "def value():\n    return 'd\u{e9}j\u{e0}'\n",
    ];

    fn learnt(size: usize, roles: &Roles) -> Tokenizer {
        let recipe = learn(TEXTS.iter().copied(), size, roles).unwrap();
        Tokenizer::from_json(Path::new("learnt.json"), recipe.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_text_comes_back_and_bytes_are_counted_to_the_last() {
        for roles in [Roles::decoder(), Roles::encoder()] {
            let tokenizer = learnt(300, &roles);
            let lengths = byte_lengths(&tokenizer);
            for text in TEXTS.iter().chain(&["\u{6570}\u{1f980} never seen \t\r\n"]) {
                let ids = tokenizer.encode(text, false).unwrap();
                assert_eq!(tokenizer.decode(&ids, false).unwrap(), *text);
                let bytes: u32 = ids.iter().map(|id| lengths[*id as usize]).sum();
                assert_eq!(bytes as usize, text.len());
            }
            assert_eq!(lengths[0], 0);
            assert!(tokenizer.vocab_size() <= 300);
        }
    }

    #[test]
    fn roles_have_the_first_ids_and_stand_around_a_text() {
        let decoder = learnt(280, &Roles::decoder());
        assert_eq!(decoder.encode("fn", true).unwrap()[0], 0);
        let encoder = learnt(290, &Roles::encoder());
        let ids = encoder.encode("fn", true).unwrap();
        assert_eq!((ids[0], ids[ids.len() - 1]), (0, 2));
        assert_eq!(encoder.token_id("<mask>"), Some(4));
    }

    #[test]
    fn the_same_texts_give_the_same_tokenizer_and_too_small_a_vocabulary_is_refused() {
        let make = || learn(TEXTS.iter().copied(), 320, &Roles::decoder()).unwrap();
        assert_eq!(make(), make());
        assert!(learn(TEXTS.iter().copied(), 256, &Roles::decoder()).is_err());
    }
}
