//! The recipes of the repository, and the reference of keys in its documentation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::path::{Path, PathBuf};

use skillbelt_train::pretrain;
use skillbelt_train::recipe::check::check;
use skillbelt_train::recipe::{self, reference};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_recipe_resolves_opens_with_its_command_and_misses_nothing_but_data() {
    let mut count = 0;
    for entry in fs_err::read_dir(root().join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        count += 1;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs_err::read_to_string(&path).unwrap();
        let command = format!("# skillbelt train recipes/{name}");
        assert!(
            text.starts_with(&command),
            "{name} opens with another command"
        );
        let resolved = recipe::read(&path, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        for problem in check(&resolved) {
            let data = problem.message.starts_with("there is no file")
                && problem.message.contains("recipes/data/");
            assert!(data, "{name}: {problem}");
        }
        let stem = name.trim_end_matches(".yaml");
        assert!(
            resolved.recipe.output.ends_with(format!("runs/{stem}")),
            "{name}"
        );
    }
    assert!(count >= 15, "only {count} recipes were found");
}

/// With `SKILLBELT_WRITE_REFERENCE=1` the reference is written instead of compared.
#[test]
fn the_references_of_keys_are_what_the_program_understands() {
    compare("docs/recipes.md", &reference::markdown());
    compare("docs/pretraining.md", &pretrain::reference::markdown());
}

/// Every key says what it means and what holds without it; every word says what it means.
#[test]
fn no_key_and_no_word_of_a_recipe_lacks_an_explanation() {
    let lacking = unexplained(&reference::markdown());
    assert!(lacking.is_empty(), "without an explanation: {lacking:?}");
    // The looking itself must see what is not there.
    let bare = "| key | value | meaning [without it] |\n|---|---|---|\n| `rank` | a number |  |\n| `deep` | a number | How deep it is. |\n\n| key | word | meaning |\n|---|---|---|\n| `kind` | `lora` |  |\n";
    assert_eq!(unexplained(bare), ["`rank`", "`deep`", "`kind`"]);
}

/// First cells of the rows that do not explain enough.
fn unexplained(reference: &str) -> Vec<String> {
    let mut keys = false;
    let mut lacking = Vec::new();
    for line in reference.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (first, last) = (cells[0], cells[cells.len() - 1]);
        match (first, last) {
            ("key", last) => keys = last.contains("without it"),
            _ if !first.starts_with(char::from(96)) => {}
            _ => {
                let said = last.trim_matches('|').split_whitespace().count() >= 2;
                let holds = !keys || last.contains('[') && last.contains(']');
                if cells.len() < 3 || !said || !holds {
                    lacking.push(first.to_owned());
                }
            }
        }
    }
    lacking
}

fn compare(file: &str, reference: &str) {
    let path = root().join(file);
    let text = fs_err::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- keys").unwrap();
    let (opening, rest) = rest.split_once("-->\n").unwrap();
    let (written, after) = rest.split_once("<!-- end of keys -->").unwrap();
    let expected = format!("{reference}\n");
    if std::env::var_os("SKILLBELT_WRITE_REFERENCE").is_some() {
        let text = format!("{before}<!-- keys{opening}-->\n{expected}<!-- end of keys -->{after}");
        fs_err::write(&path, text).unwrap();
        return;
    }
    assert_eq!(
        written, expected,
        "{file}: write it anew with SKILLBELT_WRITE_REFERENCE=1"
    );
}

#[test]
fn the_plan_of_the_pocket_base_misses_nothing_but_its_corpus() {
    let path = root().join("recipes/pocket/plan.yaml");
    let error = pretrain::read::read(&path, &[]).err().unwrap().to_string();
    let about = error.lines().filter(|line| line.contains("plan.yaml"));
    assert!(about.clone().count() >= 9, "{error}");
    about.for_each(|line| assert!(line.contains("pocket-corpus is not there"), "{line}"));
    let list = fs_err::read_to_string(root().join("recipes/pocket/corpus.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(
        rows[0],
        ["registry", "name", "version", "licence", "sha256"]
    );
    assert!(
        rows.iter()
            .all(|row| row.len() == 5 && row.iter().all(|cell| !cell.is_empty()))
    );
}
