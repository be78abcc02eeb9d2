//! The page as the program writes it: beside the results, and anew from them alone.

use std::process::Command;

use crate::tiny::{Ended, SMALL, Tiny};

fn page(tiny: &Tiny, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillbelt"));
    command.current_dir(tiny.path("."));
    Ended::from(command.arg("study").args(arguments).output().unwrap())
}

#[test]
fn the_page_is_written_beside_the_results_and_anew_from_them_alone() {
    let tiny = Tiny::new(SMALL);
    let results = tiny.finds("out", &[]);
    let beside = fs_err::read_to_string(tiny.path("out/study.html")).unwrap();
    for cell in &results.cells {
        assert!(beside.contains(&cell.key), "{}", cell.name);
    }
    let ended = page(&tiny, &["page", "out/results.json", "--out", "anew.html"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let anew = fs_err::read_to_string(tiny.path("anew.html")).unwrap();
    assert!(anew == beside, "the same results give the same page");
}

#[test]
fn results_that_cannot_be_read_leave_the_page_that_was_there() {
    let tiny = Tiny::new(SMALL);
    tiny.write("page.html", "before");
    tiny.write("results.json", "{\"format\": 1}");
    for (results, says) in [
        ("results.json", "results.json:1"),
        ("nowhere.json", "nowhere.json"),
    ] {
        let ended = page(&tiny, &["page", results, "--out", "page.html"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(says), "{ended:?}");
        let kept = fs_err::read_to_string(tiny.path("page.html")).unwrap();
        assert_eq!(kept, "before");
    }
}

#[test]
fn a_study_still_needs_a_plan_and_a_folder() {
    let tiny = Tiny::new(SMALL);
    for arguments in [&[][..], &["--out", "out"], &["plan.yaml"]] {
        let ended = page(&tiny, arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("required"), "{ended:?}");
    }
}
