//! What runs tell together.

use super::*;
use crate::sift::sift;
use crate::split::Split;
use skillbelt_code::Language;

fn tests(language: Language, shown: &str, text: &str) -> (Vec<Item>, Vec<Source>) {
    let found = sift(language, text, shown).unwrap().tests;
    let items = found.into_iter().map(|piece| Item {
        piece,
        source: 0,
        split: Split::Train,
    });
    let source = Source {
        shown: shown.into(),
        project: "p".into(),
        language,
        commit: None,
        time: None,
        group: shown.into(),
    };
    (items.collect(), vec![source])
}

fn case(name: &str, inner: &str) -> String {
    format!("<testcase classname=\"pkg.test_a\" name=\"{name}\">{inner}</testcase>")
}

fn write(folder: &Path, name: &str, suite: &str, cases: &[String]) {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(
        path,
        format!("<testsuite name=\"{suite}\">{}</testsuite>", cases.concat()),
    )
    .unwrap();
}

const TEXT: &str = "def test_a():\n    x = make(1, 2)\n    assert x.one == 1\n    assert x.two == 2\n\ndef test_b():\n    x = make(3, 4)\n    assert x.one == 3\n    assert x.two == 4\n\ndef test_c():\n    x = make(5, 6)\n    assert x.one == 5\n    assert x.two == 6\n";

#[test]
fn a_test_is_flaky_only_if_it_passed_and_failed_on_one_commit() {
    let (tests, sources) = tests(Language::Python, "repo/pkg/test_a.py", TEXT);
    let folder = tempfile::tempdir().unwrap();
    let failed = "<failure/>";
    write(
        folder.path(),
        "3f2a91c/1.xml",
        "S",
        &[
            case("test_a", ""),
            case("test_b", ""),
            case("test_c[1]", ""),
        ],
    );
    write(
        folder.path(),
        "3f2a91c/2.xml",
        "S",
        &[
            case("test_a", failed),
            case("test_b", ""),
            case("test_c[2]", failed),
        ],
    );
    // On another commit it is another matter.
    write(
        folder.path(),
        "aaaa91d/1.xml",
        "S",
        &[case("test_b", failed), case("test_z", "")],
    );
    let (observed, files, cases) = observe(&[folder.path().to_owned()], &tests, &sources).unwrap();
    let told: Vec<(usize, bool, u64, u64)> = observed
        .iter()
        .map(|o| (o.test, o.flaky, o.passed, o.failed))
        .collect();
    assert_eq!(told, [(0, true, 1, 1), (1, false, 2, 1), (2, false, 1, 1)]);
    assert_eq!(files.used, 3);
    assert_eq!(
        cases.left_out["no test of that name in the sources"].count,
        1
    );
    assert!(cases.closes());
}

#[test]
fn runs_of_unknown_commits_are_not_compared_and_attempts_in_one_file_are() {
    let (tests, sources) = tests(Language::Python, "repo/pkg/test_a.py", TEXT);
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "one/1.xml",
        "pytest",
        &[
            case("test_a", ""),
            case("test_b", ""),
            case("test_b", ""),
            case("test_c", ""),
        ],
    );
    write(
        folder.path(),
        "two/1.xml",
        "pytest",
        &[
            case("test_a", "<failure/>"),
            case("test_c", ""),
            case("test_c", "<failure/>"),
        ],
    );
    let (observed, _, _) = observe(&[folder.path().to_owned()], &tests, &sources).unwrap();
    let told: Vec<(usize, bool)> = observed.iter().map(|o| (o.test, o.flaky)).collect();
    assert_eq!(told, [(0, false), (1, true), (2, false)]);
}

#[test]
fn surefire_says_that_a_test_passed_at_another_attempt() {
    let (tests, sources) = tests(
        Language::Java,
        "repo/src/a/BTest.java",
        "class BTest {\n  @Test\n  void opens() {\n    A a = make(1, 2);\n    assertEquals(a.one(), 1);\n  }\n}\n",
    );
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("TEST-a.BTest.xml"), "<testsuite name=\"a.BTest\"><testcase classname=\"a.BTest\" name=\"opens\"><flakyFailure type=\"x\"/></testcase></testsuite>").unwrap();
    let (observed, _, _) = observe(&[folder.path().to_owned()], &tests, &sources).unwrap();
    assert_eq!((observed.len(), observed[0].flaky), (1, true));
}

#[test]
fn commits_are_told_from_numbers_and_words() {
    for commit in ["3f2a91c", "0123456789012345678901234567890123456789"] {
        assert!(is_commit(commit), "{commit}");
    }
    for other in ["1234567", "deadbee", "3f2a9", "3F2A91C", "results"] {
        assert!(!is_commit(other), "{other}");
    }
}

#[test]
fn tests_with_titles_are_found_however_a_runner_writes_them() {
    let one = "    const heap = make(1, 2);\n    expect(heap.one).toBe(1);\n";
    let text = format!(
        "describe('A heap', () => {{\n  it('gives nothing', () => {{\n{one}  }});\n  it('is slow', () => {{\n{one}    wait();\n  }});\n}});\ndescribe('A list', () => {{\n  it('is slow', () => {{\n{one}    wait(2);\n  }});\n}});\n"
    );
    let (tests, sources) = tests(Language::JavaScript, "repo/src/heap.test.js", &text);
    assert_eq!(tests.len(), 3);
    let known = matching::Tests::of(&tests, &sources);
    let named = |class: &str, name: &str| known.named(class, name);
    assert_eq!(named("A heap gives nothing", "A heap gives nothing"), Ok(0));
    assert_eq!(named("src/heap.test.js", "A heap > is slow"), Ok(1));
    assert_eq!(named("A list", "is slow"), Ok(2));
    assert_eq!(named("heap.test.js", "gives nothing"), Ok(0));
    assert_eq!(
        named("is slow", "is slow"),
        Err("several tests of that name, none of that class")
    );
    assert!(named("A heap", "is fast").is_err());
}

#[test]
fn files_and_texts_beyond_all_measure_are_read_to_their_end_or_left_out() {
    let (tests, sources) = tests(Language::Python, "repo/pkg/test_a.py", TEXT);
    let folder = tempfile::tempdir().unwrap();
    let said = "x".repeat(8 << 20);
    for run in ["3f2a91c/1.xml", "3f2a91c/2.xml"] {
        let failed = format!("<failure message=\"{said}\">{said}</failure>");
        let outcome = if run.ends_with("1.xml") { "" } else { &failed };
        let long = format!("<testcase classname=\"{said}\" name=\"{said}\"/>");
        write(folder.path(), run, "S", &[case("test_a", outcome), long]);
    }
    // More than is read, and takes no room on the disk.
    let huge = fs_err::File::create(folder.path().join("huge.xml")).unwrap();
    huge.set_len((256 << 20) + 1).unwrap();
    fs_err::write(folder.path().join("cut.xml"), "<testsuite><testcase").unwrap();
    let (observed, files, cases) = observe(&[folder.path().to_owned()], &tests, &sources).unwrap();
    assert_eq!((observed.len(), observed[0].flaky), (1, true));
    assert_eq!(files.left_out["larger than 256 MiB"].count, 1);
    assert_eq!(files.left_out["not XML"].count, 1);
    assert_eq!(files.used, 2);
    let unknown = &cases.left_out["no test of that name in the sources"];
    assert!(
        cases.closes() && unknown.count == 1,
        "{}",
        unknown.such_as[0].len()
    );
    assert!(unknown.such_as.iter().all(|place| place.len() < 3_000));
}
