//! What a person sees for each kind of bad input. Nothing panics, nothing is dropped in silence, and
//! rows around a bad one are used.
//!
//! `cargo test -p skillbelt-train --test bad_inputs table -- --nocapture` prints the table as Markdown.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bad_cases;
mod laid_files;

use bad_cases::{CASES, seen};
use laid_files::{Folder, settings};
use skillbelt_train::recipe::TaskType;

#[test]
fn the_table_of_bad_inputs_is_what_a_person_sees() {
    let mut wrong = String::new();
    println!("| input | what is seen |\n|---|---|");
    for case in CASES {
        let folder = Folder::new();
        let found = seen(&folder, &(case.lay)(&folder));
        let lines: Vec<String> = found.lines().map(|line| format!("`` {line} ``")).collect();
        println!("| {} | {} |", case.input, lines.join("<br>"));
        if found != case.seen {
            wrong += &format!(
                "{}\n--- expected\n{}\n--- seen\n{found}\n\n",
                case.input, case.seen
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(CASES.len() >= 40);
}

/// A privileged user may read anything; for anyone else the reason is told.
#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("bad.jsonl", "{\"text\":\"a\",\"label\":1}\n");
    let path = folder.path("bad.jsonl");
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let expected = match fs_err::File::open(&path) {
        Ok(_) => "1 used, 0 rejected",
        Err(_) => {
            "error: bad.jsonl: no permission to read it\nhint: the file may not be read by this user\n0 used, 0 rejected"
        }
    };
    let found = seen(
        &folder,
        &settings(TaskType::Classify, &folder, &["bad.jsonl"]),
    );
    assert_eq!(found, expected);
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_only_itself() {
    let folder = Folder::new();
    let row = "{\"text\":\"a\",\"label\":1}\n";
    let mut bytes = row.as_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 100 << 20));
    bytes.push(b'\n');
    bytes.extend(row.as_bytes());
    folder.write("bad.jsonl", &bytes);
    let found = seen(
        &folder,
        &settings(TaskType::Classify, &folder, &["bad.jsonl"]),
    );
    assert_eq!(
        found,
        "bad.jsonl:2: row too long: 104857601 bytes; at most 33554432 are read\n2 used, 1 rejected"
    );
}
