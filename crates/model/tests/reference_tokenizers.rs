//! Ids and texts of tiny vocabularies against the reference's, for every form a folder can have. The vectors are made
//! by `tests/tokenizers/reference.py`; a real vocabulary is compared by the ignored test, whose command stands there.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use skillbelt_model::tokenizer::{Tokenizer, UnixcoderMode};

#[derive(Deserialize)]
struct Vectors {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
    plain: Vec<u32>,
    pair: Vec<u32>,
    decoded: String,
}

fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/tokenizers")
        .join(name)
}

fn vectors(path: &Path) -> Vec<Row> {
    let text = fs_err::read_to_string(path).expect("vectors");
    let vectors: Vectors = serde_json::from_str(&text).expect("vectors are JSON");
    assert!(!vectors.rows.is_empty());
    vectors.rows
}

/// Every row, every way to encode; returns how many rows there were.
fn compare(folder: &Path, file: &Path) -> usize {
    let name = folder.display();
    let tokenizer = Tokenizer::from_folder(folder).unwrap_or_else(|e| panic!("{name}: {e}"));
    let rows = vectors(file);
    for Row {
        text,
        ids,
        plain,
        pair,
        decoded,
    } in &rows
    {
        let at = format!("{name}: {text:?}");
        assert_eq!(&tokenizer.encode(text, true).unwrap(), ids, "{at}");
        assert_eq!(&tokenizer.encode(text, false).unwrap(), plain, "{at}");
        assert_eq!(
            &tokenizer.encode_pair(text, "x y", true).unwrap(),
            pair,
            "{at}"
        );
        assert_eq!(&tokenizer.decode(ids, true).unwrap(), decoded, "{at}");
        let around = ids.len() - plain.len();
        let cut = tokenizer.encode_truncated(text, around + 3).unwrap();
        assert!(cut.len() <= around + 3, "{at}");
        if plain.len() <= 3 {
            assert_eq!(&cut, ids, "{at}");
        }
    }
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let batch = tokenizer.encode_batch(&texts, true).unwrap();
    for (row, ids) in rows.iter().zip(&batch) {
        assert_eq!(&row.ids, ids);
    }
    rows.len()
}

const TINY: [&str; 7] = [
    "roberta_files",
    "gpt_files",
    "bert_files",
    "qwen_split",
    "stepwise_split",
    "unigram",
    "byte_fallback",
];

#[test]
fn every_form_of_folder_gives_the_ids_and_texts_of_the_reference() {
    for name in TINY {
        let folder = tiny(name);
        assert!(compare(&folder, &folder.join("vectors.json")) >= 90);
    }
}

#[test]
#[should_panic(expected = "roberta_files")]
fn vectors_of_another_vocabulary_do_not_pass() {
    compare(
        &tiny("roberta_files"),
        &tiny("gpt_files").join("vectors.json"),
    );
}

#[test]
#[ignore = "compares a folder of your own: see tests/tokenizers/reference.py"]
fn a_real_vocabulary_gives_the_ids_of_the_reference() {
    let folder = std::env::var("SKILLBELT_TOKENIZER").expect("SKILLBELT_TOKENIZER");
    let file = std::env::var("SKILLBELT_VECTORS").expect("SKILLBELT_VECTORS");
    compare(Path::new(&folder), Path::new(&file));
}

#[test]
fn truncation_keeps_the_head_and_what_surrounds_the_text() {
    let tokenizer = Tokenizer::from_folder(&tiny("roberta_files")).unwrap();
    let special = tokenizer.special();
    let text = "def add(a, b):\n    return a + b\n";
    let whole = tokenizer.encode(text, true).unwrap();
    for budget in 2..whole.len() + 3 {
        let cut = tokenizer.encode_truncated(text, budget).unwrap();
        let kept = budget.min(whole.len());
        assert_eq!(cut.len(), kept);
        assert_eq!(cut[..kept - 1], whole[..kept - 1]);
        assert_eq!(cut.last().copied(), special.sep);
    }
    assert!(tokenizer.encode_truncated(text, 1).is_err());
}

#[test]
fn streamed_pieces_are_whole_characters_and_join_to_the_decoded_text() {
    for name in ["roberta_files", "gpt_files", "qwen_split", "stepwise_split"] {
        let tokenizer = Tokenizer::from_folder(&tiny(name)).unwrap();
        for row in vectors(&tiny(name).join("vectors.json")) {
            let mut decoder = tokenizer.decoder(true);
            let mut joined = String::new();
            for id in &row.ids {
                if let Some(piece) = decoder.push(*id).unwrap() {
                    assert!(!piece.contains('\u{fffd}') || row.decoded.contains('\u{fffd}'));
                    joined.push_str(&piece);
                }
            }
            joined.push_str(&decoder.finish().unwrap());
            assert_eq!(joined, row.decoded, "{name}: {:?}", row.text);
        }
    }
}

#[test]
fn unixcoder_frames_name_the_mode_and_keep_the_end_that_the_mode_needs() {
    let tokenizer = Tokenizer::from_folder(&tiny("roberta_files")).unwrap();
    let id = |token: &str| tokenizer.token_id(token).unwrap();
    let text = "def add(a, b):\n    return a + b";
    let body = tokenizer.encode(text, false).unwrap();
    for (mode, name, reserved) in [
        (UnixcoderMode::EncoderOnly, "<encoder-only>", 4),
        (UnixcoderMode::DecoderOnly, "<decoder-only>", 3),
        (UnixcoderMode::EncoderDecoder, "<encoder-decoder>", 5),
    ] {
        let open = mode == UnixcoderMode::DecoderOnly;
        let frame = |body: &[u32]| {
            let mut ids = vec![id("<s>"), id(name), id("</s>")];
            ids.extend_from_slice(body);
            if !open {
                ids.push(id("</s>"));
            }
            ids
        };
        assert_eq!(
            tokenizer.encode_unixcoder(text, mode, 512).unwrap(),
            frame(&body)
        );
        let kept = if open {
            &body[body.len() - 4..]
        } else {
            &body[..4]
        };
        let cut = tokenizer
            .encode_unixcoder(text, mode, reserved + 4)
            .unwrap();
        assert_eq!(cut, frame(kept), "{name}");
        assert!(tokenizer.encode_unixcoder(text, mode, 2).is_err());
    }
    let other = Tokenizer::from_folder(&tiny("gpt_files")).unwrap();
    let refusal = other.encode_unixcoder(text, UnixcoderMode::EncoderOnly, 9);
    assert!(refusal.unwrap_err().to_string().contains("cls_token"));
}

#[test]
fn a_text_that_could_only_be_split_wrongly_is_refused() {
    let tokenizer = Tokenizer::from_folder(&tiny("gpt_files")).unwrap();
    let fits = format!("a{}b", " ".repeat(400_000));
    let ids = tokenizer.encode(&fits, true).unwrap();
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), fits);
    let blank = format!("a{}b", " ".repeat(600_000));
    let refusal = tokenizer.encode(&blank, true).unwrap_err();
    assert!(refusal.to_string().contains("white space"), "{refusal}");
}
