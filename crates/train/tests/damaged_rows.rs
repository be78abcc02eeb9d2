//! Damaged files never panic, never lose a row in silence, and point at the right lines. More cases:
//! `PROPTEST_CASES=10000`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod laid_files;

use laid_files::{Folder, Read, parquet, settings};
use proptest::prelude::*;
use skillbelt_train::data::Content;
use skillbelt_train::recipe::{Format, TaskSettings, TaskType};

/// A change of bytes: where (as a share), what kind, which byte.
type Change = (f64, u8, u8);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((0.0..1.0, 0_u8..4, any::<u8>()), 1..6)
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, kind, byte) in changes {
        let at = (place * bytes.len() as f64) as usize;
        match kind {
            _ if bytes.is_empty() => bytes.push(*byte),
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

const LINES: &str = "{\"text\":\"int a;\",\"label\":1}\n{\"text\":\"ü \\\"b\\\"\\nc\",\"label\":false,\"more\":[1,{\"x\":null}]}\n\n{\"text\":[\"x\",\"y\"],\"label\":\"1.0\"}\n";

fn read(name: &str, bytes: &[u8], task: impl FnOnce(&mut TaskSettings)) -> Read {
    let folder = Folder::new();
    folder.write(name, bytes);
    let mut settings = settings(TaskType::Classify, &folder, &[name]);
    task(&mut settings);
    folder.try_read(&settings)
}

/// What a plain reading of one line gives.
fn plainly(line: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    match value.get("text").or_else(|| value.get("func"))? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Array(words) => Some(
            words
                .iter()
                .map(|word| word.as_str().unwrap_or("?"))
                .collect::<Vec<_>>()
                .join(" "),
        ),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_used_or_rejected_at_its_own_number(changes in changes()) {
        let bytes = changed(LINES.as_bytes(), &changes);
        let found = read("a.jsonl", &bytes, |_| {});
        if found.error.is_some() {
            let wide = bytes.get(..2).is_some_and(|two| two.contains(&0) || two.contains(&0xff) || two.contains(&0x1f));
let nothing = std::str::from_utf8(&bytes).is_ok_and(|text| text.trim_start_matches('\u{feff}').trim().is_empty());
            prop_assert!(wide || nothing, "{:?}", found.error);
            return Ok(());
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let blank = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| line.trim().is_empty());
        let mut expected: Vec<u64> = (1..).zip(&lines).filter(|(_, line)| !blank(line)).map(|(number, _)| number).collect();
        for row in &found.rows {
            let Content::Text { text, .. } = &row.content else { panic!() };
            let line = lines[row.place.line as usize - 1];
            if let Some(plain) = plainly(line) {
                prop_assert_eq!(text, &plain);
            }
        }
        let mut places: Vec<u64> = found.rows.iter().map(|row| row.place.line).chain(found.rejections.iter().map(|one| one.place.line)).collect();
        places.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(places, expected);
    }

    #[test]
    fn damaged_arrays_tables_and_pairs_are_read_or_refused(changes in changes()) {
        let array = format!("[{}]", LINES.trim().replace("\n\n", "\n").replace('\n', ",\n"));
        read("a.json", &changed(array.as_bytes(), &changes), |_| {});
        read("a.json", &changed(format!("{{\"v\":1,\"rows\":{array}}}").as_bytes(), &changes), |_| {});
        let table = "text,label\nint a;,1\n\"ü, \"\"b\"\"\nc\",0\nx,1\n";
        read("a.csv", &changed(table.as_bytes(), &changes), |_| {});
        read("a.tsv", &changed(table.replace(',', "\t").as_bytes(), &changes), |_| {});
        read("a.txt", &changed(b"1\t2\t1\n2\t1\t0\n", &changes), |task| {
            task.kind = Some(TaskType::Pair);
            task.format = Some(Format::Bigclonebench);
        });
        let map = "{\n \"def a():\\n  \\\"{\\\"\": 0,\n \"def b()\": 1\n}";
        let folder = Folder::new();
        folder.write("code_idx_map.txt", changed(map.as_bytes(), &changes));
        folder.write("q.json", changed(b"[{\"doc\":\"find\",\"retrieval_idx\":1},{\"doc\":\"b\",\"retrieval_idx\":0}]", &changes));
        folder.try_read(&settings(TaskType::Retrieve, &folder, &["q.json"]));
    }

    #[test]
    fn damaged_packed_files_are_read_or_refused_and_never_short(changes in changes()) {
        let folder = Folder::new();
        let lines = "{\"text\":\"a b c\",\"label\":1}\n".repeat(50);
        for (name, packed) in [("a.jsonl.gz", folder.gzip(lines.as_bytes())), ("a.jsonl.zst", zstd::encode_all(lines.as_bytes(), 3).unwrap())] {
            let damaged = changed(&packed, &changes);
            let found = read(name, &damaged, |_| {});
            let cut = damaged.len() < packed.len() && packed.starts_with(&damaged);
            prop_assert!(!cut || found.error.is_some(), "{name} cut to {} was taken as whole", damaged.len());
        }
    }

    #[test]
    fn damaged_parquet_files_are_read_or_refused(changes in changes()) {
        let whole = parquet(&[("a", "1"), ("b", "0"), ("c", "1")]);
        read("a.parquet", &changed(&whole, &changes), |_| {});
    }

    #[test]
    fn tables_are_read_as_the_csv_crate_reads_them(
        cells in prop::collection::vec(("[a-c\",\n\r\tü ]{0,6}", "[01]"), 1..8),
        crlf in any::<bool>(), tab in any::<bool>(), always in any::<bool>(),
    ) {
        let mut writer = csv::WriterBuilder::new();
        writer.delimiter(if tab { b'\t' } else { b',' });
        writer.quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary });
        writer.terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') });
        let mut writer = writer.from_writer(Vec::new());
        writer.write_record(["text", "label"]).unwrap();
        for (text, label) in &cells {
            writer.write_record([text, label]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let found = read(if tab { "a.tsv" } else { "a.csv" }, &bytes, |_| {});
        prop_assert!(found.error.is_none(), "{:?}", found.error);
        let mut reader = csv::ReaderBuilder::new().delimiter(if tab { b'\t' } else { b',' }).from_reader(&bytes[..]);
        let expected: Vec<(String, String)> = reader.records().map(|record| record.unwrap())
            .map(|record| (record[0].to_owned(), record[1].to_owned())).filter(|(text, _)| !text.trim().is_empty()).collect();
        let texts: Vec<(String, String)> = found.rows.into_iter().map(|row| match row.content {
            Content::Text { text, label } => (text, label.unwrap()),
            _ => panic!(),
        }).collect();
        prop_assert_eq!(texts, expected);
        prop_assert_eq!(found.rejections.len(), cells.iter().filter(|(text, _)| text.trim().is_empty()).count());
    }
}
