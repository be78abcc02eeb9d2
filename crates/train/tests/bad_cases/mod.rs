//! The bad inputs: how each is laid out, and every word that is seen for it.

use skillbelt_train::recipe::{Format, TaskSettings, TaskType};

use super::laid_files::{self, Folder, settings};

pub struct Case {
    pub input: &'static str,
    pub lay: fn(&Folder) -> TaskSettings,
    pub seen: &'static str,
}

/// Rejections, then the error with its hint, then the count. Paths are told from the folder on.
pub fn seen(folder: &Folder, task: &TaskSettings) -> String {
    let read = folder.try_read(task);
    let mut lines: Vec<String> = read
        .rejections
        .iter()
        .map(|one| format!("{}: {}: {}", one.place, one.reason, one.detail))
        .collect();
    let count = format!(
        "{} used, {} rejected",
        read.rows.len(),
        read.rejections.len()
    );
    if let Some(error) = read.error {
        lines.push(format!("error: {error}"));
        lines.extend(error.hint().map(|hint| format!("hint: {hint}")));
    }
    lines.push(count);
    let root = format!("{}/", folder.root().display());
    lines
        .join("\n")
        .replace(&root, "")
        .replace(folder.root().to_str().unwrap(), "FOLDER")
}

fn file(folder: &Folder, name: &str, bytes: impl AsRef<[u8]>) -> TaskSettings {
    folder.write(name, bytes);
    settings(TaskType::Classify, folder, &[name])
}

/// Bad lines between good ones.
fn lines(folder: &Folder, bad: &[u8]) -> TaskSettings {
    let bytes = [GOOD, bad, b"\n", GOOD].concat();
    file(folder, "bad.jsonl", bytes)
}

fn pair_file(folder: &Folder, pairs: &str) -> TaskSettings {
    folder.write(
        "data.jsonl",
        "{\"idx\":1,\"func\":\"f\"}\n{\"idx\":2,\"func\":\"g\"}\n{\"idx\":2,\"func\":\"h\"}\n",
    );
    folder.write("bad.txt", pairs);
    let mut task = settings(TaskType::Pair, folder, &["bad.txt"]);
    task.format = Some(Format::Bigclonebench);
    task
}

const GOOD: &[u8] = b"{\"text\":\"a\",\"label\":1}\n";

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn damaged_parquet(at: usize) -> Vec<u8> {
    let mut bytes = laid_files::parquet(&[("a", "1"), ("b", "0"), ("c", "1")]);
    bytes.truncate(bytes.len() - at);
    bytes
}

macro_rules! cases {
    ($($input:literal, $lay:expr, $seen:literal;)*) => {
        pub const CASES: &[Case] = &[$(Case { input: $input, lay: $lay, seen: $seen }),*];
    };
}

cases! {
    "a file that does not exist", |f| { f.write("train.jsonl", GOOD); settings(TaskType::Classify, f, &["trian.jsonl"]) },
        "error: trian.jsonl: no such file\nhint: did you mean train.jsonl?\n0 used, 0 rejected";
    "a folder that does not exist", |f| settings(TaskType::Classify, f, &["none/train.jsonl"]),
        "error: none/train.jsonl: no such file\nhint: there is no folder none either\n0 used, 0 rejected";
    "a folder instead of a file", |f| { fs_err::create_dir(f.path("set")).unwrap(); f.write("set/train.jsonl", GOOD); settings(TaskType::Classify, f, &["set"]).with_format(Format::Jsonl) },
        "error: set: a folder, not a file\nhint: name a file in it, such as train.jsonl\n0 used, 0 rejected";
    "an empty file", |f| file(f, "bad.jsonl", ""),
        "error: bad.jsonl: no rows\nhint: there is nothing in it; was it written to the end?\n0 used, 0 rejected";
    "an empty file, packed", |f| file(f, "bad.jsonl.gz", f.gzip(b"")),
        "error: bad.jsonl.gz: no rows\nhint: there is nothing in it; was it written to the end?\n0 used, 0 rejected";
    "a name that says nothing", |f| file(f, "bad.data", GOOD),
        "error: bad.data: the name does not say how the file is laid out\nhint: give `format`: jsonl, json, csv, tsv, parquet, parallel_text, bigclonebench, poj104, cosqa or messages\n0 used, 0 rejected";
    "UTF-16 with a mark", |f| file(f, "bad.jsonl", [b"\xff\xfe".to_vec(), wide("{\"text\":\"a\"}")].concat()),
        "error: bad.jsonl: written in UTF-16; expected UTF-8\nhint: convert it: iconv -f UTF-16LE -t UTF-8 < bad.jsonl > converted\n0 used, 0 rejected";
    "UTF-16 without a mark", |f| file(f, "bad.csv", wide("text,label\na,1\n")),
        "error: bad.csv: written in UTF-16; expected UTF-8\nhint: convert it: iconv -f UTF-16LE -t UTF-8 < bad.csv > converted\n0 used, 0 rejected";
    "a UTF-8 byte order mark", |f| file(f, "bad.jsonl", [b"\xef\xbb\xbf", GOOD].concat()),
        "1 used, 0 rejected";
    "CRLF line ends", |f| file(f, "bad.csv", "text,label\r\na,1\r\n"),
        "1 used, 0 rejected";
    "Latin-1 in a line", |f| lines(f, b"{\"text\":\"caf\xe9\",\"label\":1}"),
        "bad.jsonl:2: not UTF-8: byte 0xe9 at offset 35 of the file\n2 used, 1 rejected";
    "Latin-1 in a cell", |f| file(f, "bad.csv", b"text,label\ncaf\xe9,1\nb,0\n"),
        "bad.csv:2: not UTF-8: byte 0xe9 in the record that begins at offset 11 of the file\n1 used, 1 rejected";
    "a NUL byte", |f| lines(f, b"{\"text\":\"a\0b\",\"label\":1}"),
        "bad.jsonl:2: not JSON: control character (\\u0000-\\u001F) found while parsing a string (column 11)\n2 used, 1 rejected";
    "a NUL written as an escape", |f| lines(f, b"{\"text\":\"a\\u0000b\",\"label\":1}"),
        "3 used, 0 rejected";
    "a NUL byte in a table", |f| file(f, "bad.csv", "text,label\na\0b,1\nb,1\n"),
        "bad.csv:2: NUL in the text: byte 1 of it\n1 used, 1 rejected";
    "half a line", |f| lines(f, b"{\"text\":\"a\",\"lab"),
        "bad.jsonl:2: not JSON: EOF while parsing a string (column 16)\n2 used, 1 rejected";
    "a line that is no object", |f| lines(f, b"[1, 2]"),
        "bad.jsonl:2: not an object: found [1,2]\n2 used, 1 rejected";
    "a key given twice", |f| lines(f, b"{\"text\":\"a\",\"label\":1,\"label\":0}"),
        "bad.jsonl:2: key given twice: `label` is given twice\n2 used, 1 rejected";
    "a thousand brackets", |f| lines(f, format!("{{\"text\":{}", "[".repeat(1000)).as_bytes()),
        "bad.jsonl:2: nested too deep: more than 127 levels\n2 used, 1 rejected";
    "NaN as a label", |f| lines(f, b"{\"text\":\"a\",\"label\":NaN}"),
        "bad.jsonl:2: not JSON: NaN is no value of JSON (column 21)\n2 used, 1 rejected";
    "NaN as a label in a table", |f| file(f, "bad.csv", "text,label\na,nan\nb,1.0\nc,\n"),
        "bad.csv:2: no label: `label` is \"nan\"\nbad.csv:4: no label: `label` is \"\"\n1 used, 2 rejected";
    "null as a label", |f| lines(f, b"{\"text\":\"a\",\"label\":null}"),
        "bad.jsonl:2: no label: `label` is null\n2 used, 1 rejected";
    "a list as a label", |f| lines(f, b"{\"text\":\"a\",\"label\":[0,1]}"),
        "bad.jsonl:2: label is not one value: `label` is [0,1]\n2 used, 1 rejected";
    "a label that is not among `labels`", |f| { let mut task = lines(f, b"{\"text\":\"a\",\"label\":7}"); task.labels = Some(vec!["0".into(), "1".into()]); task },
        "bad.jsonl:2: label not in `labels`: `label` is `7`; `labels` has `0`, `1`\n2 used, 1 rejected";
    "a missing field", |f| lines(f, b"{\"body_of\":\"a\",\"label\":1}"),
        "bad.jsonl:2: field missing: no text (looked for `text`, `func`, `code`, `function`, `source`, `content`, `snippet`, `body`, `code_tokens`); the row has `body_of`, `label`\n2 used, 1 rejected";
    "a field map that names no field", |f| { let mut task = lines(f, b"{}"); task.fields.insert("text".into(), "meta.code".into()); task },
        "bad.jsonl:1: field missing: no text (looked for `meta.code`); the row has `text`, `label`\nbad.jsonl:2: field missing: no text (looked for `meta.code`); the row has no fields\nbad.jsonl:3: field missing: no text (looked for `meta.code`); the row has `text`, `label`\n0 used, 3 rejected";
    "a number instead of a text", |f| lines(f, b"{\"text\":5,\"label\":1}"),
        "bad.jsonl:2: field is not a text: `text` is 5\n2 used, 1 rejected";
    "a text of spaces", |f| lines(f, b"{\"text\":\" \\n\",\"label\":1}"),
        "bad.jsonl:2: empty text: `text` has no letters\n2 used, 1 rejected";
    "too few columns", |f| file(f, "bad.csv", "text,label\na\nb,1\nc,1,2\n"),
        "bad.csv:2: wrong number of columns: 1 columns; the header has 2\nbad.csv:4: wrong number of columns: 3 columns; the header has 2\n1 used, 2 rejected";
    "a quote that is never closed", |f| file(f, "bad.csv", "text,label\na,1\n\"b,1\nc,0\n"),
        "error: bad.csv:3: a quote is opened here and never closed\nhint: a quote inside a quoted cell is written twice; rows before this line are good\n1 used, 0 rejected";
    "a column twice in the header", |f| file(f, "bad.csv", "text,label,text\na,1,b\n"),
        "error: bad.csv: column `text` stands twice in the header\n0 used, 0 rejected";
    "a header and nothing else", |f| file(f, "bad.csv", "text,label\n"),
        "error: bad.csv: no rows\nhint: there is nothing in it; was it written to the end?\n0 used, 0 rejected";
    "gzip that is cut short", |f| { let bytes = f.gzip(&GOOD.repeat(2000)); file(f, "bad.jsonl.gz", &bytes[..bytes.len() - 9]) },
        "error: bad.jsonl.gz: the gzip data is cut short or damaged after row 2000: incomplete deflate stream\nhint: the rows before are good, but the file is not whole: copy or make it again\n2000 used, 0 rejected";
    "zstd that is cut short", |f| { let bytes = zstd::encode_all(&GOOD.repeat(2000)[..], 3).unwrap(); file(f, "bad.jsonl.zst", &bytes[..bytes.len() - 4]) },
        "error: bad.jsonl.zst: the zstd data is cut short or damaged after row 0: incomplete frame\nhint: the rows before are good, but the file is not whole: copy or make it again\n0 used, 0 rejected";
    "gzip by its name only", |f| file(f, "bad.jsonl.gz", GOOD),
        "error: bad.jsonl.gz: named like a gzip file, but it is plain\nhint: give it the ending of what it is: .gz, .zst, or neither\n0 used, 0 rejected";
    "gzip without the name", |f| file(f, "bad.jsonl", f.gzip(GOOD)),
        "error: bad.jsonl: named like a plain file, but it is gzip\nhint: give it the ending of what it is: .gz, .zst, or neither\n0 used, 0 rejected";
    "a JSON array that ends early", |f| file(f, "bad.json", "[{\"text\":\"a\",\"label\":1},\n{\"text\":\"b\""),
        "error: bad.json:2: the file ends in the middle of a value\nhint: not JSON from here on; 1 rows before are good\n1 used, 0 rejected";
    "a JSON array with a bad element", |f| file(f, "bad.json", "[{\"text\":\"a\",\"label\":1},\n{\"text\":oh},\n{\"text\":\"b\",\"label\":0}]"),
        "bad.json:2: not JSON: expected value (column 9); the element begins on line 2\n2 used, 1 rejected";
    "a JSON object without rows", |f| file(f, "bad.json", "{\"a\": 1}"),
        "error: bad.json:1: expected an array of rows, found an object without one\nhint: not JSON from here on; 0 rows before are good\n0 used, 0 rejected";
    "an unknown number in a pair", |f| pair_file(f, "1\t2\t1\n1\t3\t0\n"),
        "data.jsonl:3: number given twice in the data file: function `2`\nbad.txt:2: no such number in the data file: `3` is none of the 2 functions\n1 used, 2 rejected";
    "a pair without a label", |f| pair_file(f, "1\t2\n1 2 1\n1\t2\t0\n"),
        "data.jsonl:3: number given twice in the data file: function `2`\nbad.txt:1: not a pair of numbers and a label: found `1\\t2`\nbad.txt:2: not a pair of numbers and a label: found `1 2 1`\n1 used, 3 rejected";
    "parallel files of unequal length", |f| { f.write("a.java", "a\nb\nc\n"); f.write("a.cs", "A\nB\n"); settings(TaskType::Generate, f, &["a.java", "a.cs"]) },
        "error: a.java: 3 lines, but a.cs has 2\nhint: line N of one file belongs to line N of the other; both need as many lines\n2 used, 0 rejected";
    "an empty line in a parallel file", |f| { f.write("a.java", "a\n\nc\n"); f.write("a.cs", "A\nB\nC\n"); settings(TaskType::Generate, f, &["a.java", "a.cs"]) },
        "a.java:2: empty text: `source` has no letters\n2 used, 1 rejected";
    "a conversation without an answer", |f| { f.write("c.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}\n{\"messages\":[{\"text\":\"q\"}]}\n"); settings(TaskType::Generate, f, &["c.jsonl"]) },
        "c.jsonl:1: conversation without an answer: 1 messages, none of the assistant\nc.jsonl:2: not a conversation: `messages` holds {\"text\":\"q\"}\n0 used, 2 rejected";
    "Parquet that is cut short", |f| file(f, "bad.parquet", damaged_parquet(5)),
        "error: bad.parquet: not a sound Parquet file (after row 0): Parquet error: Invalid Parquet file. Corrupt footer\nhint: the file is damaged or of another kind: copy or make it again\n0 used, 0 rejected";
    "text by the name of Parquet", |f| file(f, "bad.parquet", GOOD),
        "error: bad.parquet: not a sound Parquet file (after row 0): Parquet error: Invalid Parquet file. Corrupt footer\nhint: the file is damaged or of another kind: copy or make it again\n0 used, 0 rejected";
    "Parquet in gzip", |f| file(f, "bad.parquet.gz", f.gzip(GOOD)),
        "error: bad.parquet.gz: a packed Parquet file\nhint: unpack it: Parquet is compressed inside, and is read from both ends\n0 used, 0 rejected";
    "lines called JSON", |f| file(f, "bad.json", [GOOD, GOOD].concat()),
        "2 used, 0 rejected";
}

trait WithFormat {
    fn with_format(self, format: Format) -> TaskSettings;
}

impl WithFormat for TaskSettings {
    fn with_format(mut self, format: Format) -> TaskSettings {
        self.format = Some(format);
        self
    }
}
