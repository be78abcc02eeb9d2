//! Files of answers and predictions in CodeXGLUE's formats: the numbers that they make, and what stops
//! them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

use std::path::PathBuf;

use proptest::prelude::*;
use skillbelt_train::evaluate::{self, Draws, Example};
use skillbelt_train::predict::Format;
use skillbelt_train::score::{self, Files, Kind, Scored};
use skillbelt_train::task::{Answer, Item};
use tempfile::TempDir;

const DRAWS: Draws = Draws { seed: 3, count: 50 };
const TOLERANCE: f64 = 1e-12;

/// Two files and what is told beside them.
struct Case {
    folder: TempDir,
    files: Files,
}

fn case(answers: impl AsRef<[u8]>, predictions: impl AsRef<[u8]>) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        path
    };
    let files = Files {
        answers: put("gold", answers.as_ref()),
        predictions: Some(put("said", predictions.as_ref())),
        pool: None,
    };
    Case { folder, files }
}

impl Case {
    fn pool(mut self, pool: usize) -> Case {
        self.files.pool = Some(pool);
        self
    }

    fn score(&self, kind: Kind) -> Scored {
        score::score(kind, &self.files, None, &[], &DRAWS).unwrap()
    }

    fn error(&self, kind: Kind) -> String {
        let error = score::score(kind, &self.files, None, &[], &DRAWS).unwrap_err();
        error.to_string()
    }
}

fn value(scored: &Scored, name: &str) -> f64 {
    scored.measures[name].value
}

fn near(scored: &Scored, name: &str, expected: f64) {
    let found = value(scored, name);
    assert!(
        (found - expected).abs() < TOLERANCE,
        "{name}: {found}, expected {expected}"
    );
}

#[test]
fn defects_are_scored_from_json_and_from_columns() {
    let said = "3\t1\n1\t0\n\n2 1\n7\t0\n";
    let lines = case("1\t0\n2\t1\n3\t0\n7\t1\n", said).score(Kind::Defect);
    let json = r#"{"idx":1,"target":0}
{"idx":2,"target":1,"func":"int a;"}
{"idx":"3","target":"0"}
{"idx":7,"target":1}"#;
    assert_eq!(case(json, said).score(Kind::Defect), lines);
    let array = format!("[{}]", json.replace('\n', ","));
    assert_eq!(case(array, said).score(Kind::Defect), lines);
    assert_eq!(lines.examples, 4);
    assert_eq!(lines.measures.keys().next(), Some(&"accuracy"));
    near(&lines, "accuracy", 0.5);
    near(&lines, "precision", 0.5);
    near(&lines, "recall", 0.5);
    near(&lines, "mcc", 0.0);
    assert!(!lines.measures.contains_key("auc"), "no scores were told");
    assert!(!lines.measures.contains_key("calibration_error@15"));
    let interval = lines.measures["accuracy"].interval.unwrap();
    assert!(interval.low < 0.5 && interval.high > 0.5);
}

#[test]
fn clones_are_scored_by_pair_with_the_mean_over_both_classes_first() {
    let scored =
        case("1\t2\t1\n2\t1\t0\n5\t6\t0\n", "2\t1\t0\n1\t2\t1\n5\t6\t1\n").score(Kind::Clone);
    assert_eq!(scored.measures.keys().next(), Some(&"f1_macro"));
    near(&scored, "f1", 2.0 / 3.0);
    near(&scored, "f1_macro", 2.0 / 3.0);
    near(&scored, "precision_macro", 0.75);
    near(&scored, "recall_macro", 0.75);
}

#[test]
fn a_search_by_class_is_scored_over_all_other_rows() {
    let rows = r#"{"label":"a","index":"1","code":"x"}
{"label":"a","index":"2","code":"x"}
{"label":"a","index":"3","code":"x"}
{"label":"b","index":"4","code":"x"}
{"label":"b","index":"5","code":"x"}
"#;
    let lists = r#"{"index":"1","answers":["4","2"]}
{"index":"2","answers":["3","1"]}
{"index":"3","answers":["4","5"]}
{"index":"4","answers":["5"]}
{"index":"5","answers":["1"]}
"#;
    let scored = case(rows, lists).score(Kind::Poj104);
    assert_eq!((scored.pool, scored.examples), (Some(4), 5));
    assert_eq!(scored.measures.keys().next(), Some(&"map@R"));
    near(&scored, "map@R", (0.25 + 1.0 + 0.0 + 1.0 + 0.0) / 5.0);
    near(&scored, "mrr@list", (0.5 + 1.0 + 0.0 + 1.0 + 0.0) / 5.0);
    // Lists of two say nothing of what stands at place five.
    assert!(!scored.measures.contains_key("mrr") && !scored.measures.contains_key("recall@10"));
    let named = r#"{"index":1,"answers":[2,3]}
{"index":2,"answers":[1,3]}
{"index":3,"answers":[1,2]}
{"index":4,"answers":[5]}
{"index":5,"answers":[4]}
"#;
    assert_eq!(case(named, lists).score(Kind::Poj104), scored);
    let error = case(rows, lists.replace("\"4\",\"2\"", "\"1\",\"2\"")).error(Kind::Poj104);
    assert!(
        error.contains("said:1: `1` is ranked for itself"),
        "{error}"
    );
    let error = case(rows, lists.replace("[\"5\"]", "[\"9\"]")).error(Kind::Poj104);
    assert!(
        error.contains("said:4: `9` is not among the answers"),
        "{error}"
    );
}

#[test]
fn a_search_is_scored_in_the_forms_of_both_sets() {
    let lists = r#"{"url":"q1","answers":[7,8,9]}
{"url":"q2","answers":["9","8","7"]}
{"url":"q3","answers":[1,2,3]}
"#;
    let advtest = r#"{"url":"q1","idx":7}
{"url":"q2","idx":7}
{"url":"q3","idx":7}"#;
    let scored = case(advtest, lists).pool(40).score(Kind::Search);
    assert_eq!(scored.pool, Some(40));
    near(&scored, "mrr@list", (1.0 + 1.0 / 3.0) / 3.0);
    near(&scored, "recall@1", 1.0 / 3.0);
    assert!(!scored.measures.contains_key("mrr"));
    let cosqa = advtest
        .replace("idx", "retrieval_idx")
        .replace("url", "idx");
    assert_eq!(case(cosqa, lists).pool(40).score(Kind::Search), scored);
    let several = advtest.replace("\"idx\":7", "\"answers\":[7]");
    assert_eq!(case(several, lists).pool(40).score(Kind::Search), scored);
    // A pool as small as the lists leaves nothing open.
    near(
        &case(advtest, lists).pool(3).score(Kind::Search),
        "mrr",
        (1.0 + 1.0 / 3.0) / 3.0,
    );
    let own = r#"{"url":"u/1","idx":1}
{"url":"u/2","idx":2}"#;
    let by_idx = "{\"url\":\"1\",\"answers\":[\"1\"]}\n{\"url\":\"2\",\"answers\":[\"1\",\"2\"]}\n";
    near(&case(own, by_idx).pool(2).score(Kind::Search), "mrr", 0.75);
}

#[test]
fn a_search_without_its_pool_is_not_scored() {
    let answers = r#"{"url":"q1","idx":7}"#;
    let lists = r#"{"url":"q1","answers":[7,8]}"#;
    let error = case(answers, lists).error(Kind::Search);
    assert!(error.contains("ranked over is not told"), "{error}");
    let error = case(answers, lists).pool(1).error(Kind::Search);
    assert!(
        error.contains("said:1: 2 candidates of a pool of 1"),
        "{error}"
    );
    let error = case("1\t0\n", "1\t0\n").pool(3).error(Kind::Defect);
    assert!(error.contains("a pool is told"), "{error}");
}

#[test]
fn code_from_descriptions_is_scored_as_by_its_evaluator() {
    let answers = r#"{"code":"int a ( ) { return 1 ; }","nl":"one"}
{"code":"int b ( ) { return 2 ; }","nl":"two"}"#;
    let scored = case(answers, "int  a ( ) { return 1 ; } \nint c\n").score(Kind::Generate);
    near(&scored, "exact_match_words", 0.5);
    near(&scored, "exact_match", 0.0);
    // 9 + 1 of 9 + 2 words stand there, 8 of 9 + 1 pairs, 7 of 7 triples, 6 of 6 fours; one is added
    // to all; 11 words were written where 18 were expected.
    let product = (11.0 / 12.0) * (9.0 / 10.0) * (8.0 / 8.0) * (7.0 / 7.0f64);
    near(
        &scored,
        "bleu_codexglue",
        product.powf(0.25) * (1.0 - 18.0 / 11.0f64).exp(),
    );
    assert_eq!(scored.measures.keys().next(), Some(&"bleu_codexglue"));
}

#[test]
fn translations_are_scored_line_by_line() {
    let scored = case("a b\n\nc d\n", "a b\n\nc\n").score(Kind::Translate);
    assert_eq!(scored.examples, 3);
    near(&scored, "exact_match", 2.0 / 3.0);
    let error = case("a\nb\nc\n", "a\nb\n").error(Kind::Translate);
    assert!(
        error.contains("said:3: 2 lines of predictions to 3 answers"),
        "{error}"
    );
}

#[test]
fn summaries_are_scored_by_name() {
    let scored =
        case("0\tadds two numbers\n1\tthe end\n", "1\tThe end\n0\n").score(Kind::Summarize);
    assert_eq!(
        scored.measures.keys().next(),
        Some(&"bleu_codexglue_smooth")
    );
    // By hand: a text of two equal words has 1; of nothing against three words is left exp(-3).
    near(
        &scored,
        "bleu_codexglue_smooth",
        (1.0 + (-3.0f64).exp()) / 2.0,
    );
    let error = case("0\ta\n", "0\ta\tb\n").error(Kind::Summarize);
    assert!(
        error.contains("said:1: expected a name, a tab and a text, found 3"),
        "{error}"
    );
    let error = case("0 a\n", "0\ta\n").error(Kind::Summarize);
    assert!(error.contains("gold:1:"), "{error}");
}

#[test]
fn what_is_missing_double_or_unknown_is_told_with_file_and_line() {
    let answers = "1\t0\n2\t1\n3\t1\n";
    for (said, told) in [
        (
            "1\t0\n",
            "gold:2: 2 of 3 answers have no prediction: `2`, `3`",
        ),
        (
            "1\t0\n2\t1\n3\t1\n2\t1\n",
            "said:4: `2` is told twice, first on line 2",
        ),
        (
            "1\t0\n2\t1\n3\t1\n4\t1\n",
            "said:4: `4` is not among the answers",
        ),
        ("1\t0\n2\n3\t1\n", "said:2: expected 2 columns, found 1"),
        (
            "1\t0\n2\tyes\n3\t1\n",
            "said:2: expected the label 0 or 1, found `yes`",
        ),
        ("", "said: "),
    ] {
        let error = case(answers, said).error(Kind::Defect);
        assert!(error.contains(told), "{error}");
    }
    let error = case("1\t0\n1\t0\n", "1\t0\n").error(Kind::Defect);
    assert!(error.contains("gold:2: `1` is told twice"), "{error}");
    let error = case(answers, b"1\t0\n2\t\xff\n").error(Kind::Defect);
    assert!(error.contains("said:2: not UTF-8"), "{error}");
    let error = case("{\"idx\":1}\n", "1\t0\n").error(Kind::Defect);
    assert!(
        error.contains("gold:1: there is no field `target`"),
        "{error}"
    );
    let error = case("{\"url\":1,\"idx\":2}\n", "{\"url\":1}\n")
        .pool(2)
        .error(Kind::Search);
    assert!(
        error.contains("said:1: there is no list `answers`"),
        "{error}"
    );
    let twice = "{\"url\":1,\"answers\":[2,2]}\n";
    let error = case("{\"url\":1,\"idx\":2}\n", twice)
        .pool(2)
        .error(Kind::Search);
    assert!(error.contains("names `2` twice"), "{error}");
    let mut gone = case(answers, answers);
    gone.files.predictions = Some("/no/such/file".into());
    assert!(gone.error(Kind::Defect).contains("/no/such/file"));
}

#[test]
fn only_the_measures_that_were_asked_for_are_told() {
    let case = case("1\t0\n2\t1\n", "1\t0\n2\t1\n");
    let wanted = ["mcc".to_owned(), "accuracy".to_owned()];
    let scored = score::score(Kind::Defect, &case.files, None, &wanted, &DRAWS).unwrap();
    assert_eq!(
        scored.measures.keys().copied().collect::<Vec<_>>(),
        ["mcc", "accuracy"]
    );
    let error =
        score::score(Kind::Defect, &case.files, None, &["auc".to_owned()], &DRAWS).unwrap_err();
    assert!(error.hint().unwrap().contains("accuracy"));
    let table = score::table(&scored, &DRAWS);
    assert!(
        table.contains("mcc") && table.contains(" .. ") && table.contains("50 draws"),
        "{table}"
    );
}

fn item(name: &str, label: u32) -> Item {
    Item {
        texts: Box::default(),
        label,
        name: name.to_owned(),
        expected: None,
    }
}

fn text(written: &str) -> Answer {
    Answer::Text {
        written: Some(written.to_owned()),
        expected: None,
        loss: None,
    }
}

/// What `skillbelt predict` writes for CodeXGLUE's evaluators is what `skillbelt score` reads.
#[test]
fn predictions_in_codexglues_form_are_scored() {
    let classes = ["0".to_owned(), "1".to_owned()];
    let lines = |format: Format, answers: &[(&str, Answer)]| -> String {
        let line = |(name, answer): &(&str, Answer)| {
            let example = Example::new(&item(name, Item::UNKNOWN), answer, &classes);
            format.line(&example).unwrap() + "\n"
        };
        answers.iter().map(line).collect()
    };
    let scores = |one: f32| Answer::Scores(vec![one]);
    let said = lines(
        Format::Codexglue,
        &[("4", scores(0.5)), ("5", scores(-1.0))],
    );
    near(
        &case("4\t1\n5\t1\n", said).score(Kind::Defect),
        "accuracy",
        0.5,
    );
    let said = lines(
        Format::Codexglue,
        &[("4\t5", scores(0.5)), ("5\t6", scores(-1.0))],
    );
    near(
        &case("4\t5\t1\n5\t6\t0\n", said).score(Kind::Clone),
        "f1",
        1.0,
    );
    let ranked = |best: &[&str]| Answer::Ranks {
        ranks: Vec::new(),
        pool: 9,
        best: best.iter().map(|name| (*name).to_owned()).collect(),
        cosines: Vec::new(),
    };
    let said = lines(
        Format::Codexglue,
        &[("q1", ranked(&["b", "a"])), ("q2", ranked(&["c"]))],
    );
    let gold =
        "{\"idx\":\"q1\",\"retrieval_idx\":\"a\"}\n{\"idx\":\"q2\",\"retrieval_idx\":\"c\"}\n";
    near(
        &case(gold, said).pool(9).score(Kind::Search),
        "mrr@list",
        0.75,
    );
    let texts = [("8", text("x\ty\nz")), ("9", text(""))];
    let said = lines(Format::Codexglue, &texts);
    near(
        &case("8\tx y z\n9\tw\n", said).score(Kind::Summarize),
        "exact_match",
        0.5,
    );
    let said = lines(Format::CodexglueTexts, &texts);
    near(
        &case("x y z\nw\n", &said).score(Kind::Translate),
        "exact_match",
        0.5,
    );
    let gold = "{\"code\":\"x y z\"}\n{\"code\":\"w\"}\n";
    near(&case(gold, said).score(Kind::Generate), "exact_match", 0.5);
}

#[test]
fn our_own_answers_are_scored_from_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flaky.test.jsonl");
    let classes = ["no".to_owned(), "yes".to_owned()];
    let example = |number: u32, label: u32| {
        let answer = Answer::Scores(vec![number as f32 - 4.5]);
        Example::new(&item(&number.to_string(), label), &answer, &classes)
    };
    let mut examples: Vec<Example> = (0..10)
        .map(|number| example(number, u32::from(number > 3)))
        .collect();
    examples.push(example(10, Item::UNKNOWN));
    evaluate::write(&path, &examples).unwrap();
    let mut files = Files {
        answers: path,
        predictions: None,
        pool: None,
    };
    let scored = score::score(Kind::Answers, &files, None, &[], &DRAWS).unwrap();
    assert_eq!((scored.examples, scored.unknown), (10, 1));
    near(&scored, "accuracy", 0.9);
    near(&scored, "auc", 1.0);
    files.predictions = Some(files.answers.clone());
    assert!(score::score(Kind::Answers, &files, None, &[], &DRAWS).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes give numbers or an error; nothing panics.
    #[test]
    fn any_files_are_scored_or_refused(gold in bytes(), said in bytes()) {
        let case = case(gold, said);
        for kind in [Kind::Defect, Kind::Clone, Kind::Poj104, Kind::Generate, Kind::Translate, Kind::Summarize] {
            let _either = score::score(kind, &case.files, None, &[], &Draws { seed: 0, count: 2 });
        }
        let _either = score::score(Kind::Search, &case.pool(3).files, None, &[], &Draws { seed: 0, count: 2 });
    }
}

/// Bytes that are often nearly right.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"1\t0\n".to_vec()),
        Just(b"2\t1\t1\n".to_vec()),
        Just(b"{\"idx\":1,\"target\":0}\n".to_vec()),
        Just(b"{\"url\":\"1\",\"answers\":[1,2]}\n".to_vec()),
        Just(b"{\"index\":1,\"label\":2}\n".to_vec()),
        Just(b"{\"code\":\"a b\"}\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

/// A case whose files have an ending, since the ending says how texts lie in them.
fn ending_in_jsonl(answers: &str, predictions: &str) -> Case {
    let mut case = case("", "");
    let folder = case.folder.path().to_owned();
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs_err::write(&path, text).unwrap();
        path
    };
    case.files.answers = put("gold.jsonl", answers);
    case.files.predictions = Some(put("said.jsonl", predictions));
    case
}

#[test]
fn texts_of_several_lines_are_scored_from_objects() {
    let gold = "{\"code\":\"a\\nb\"}\n{\"code\":\"c\"}\n";
    for key in ["prediction", "written", "code", "text"] {
        let said = format!("{{\"{key}\":\"a\\nb\"}}\n{{\"{key}\":\"d\"}}\n");
        for kind in [Kind::Generate, Kind::Translate] {
            near(
                &ending_in_jsonl(gold, &said).score(kind),
                "exact_match",
                0.5,
            );
        }
    }
    let error = ending_in_jsonl(gold, "{\"code\":\"a\"}\n{\"code\":1}\n").error(Kind::Translate);
    assert!(
        error.contains("said.jsonl:2: there is no text `prediction` or `written`"),
        "{error}"
    );
    // Without the ending a line is a text, whatever it begins with.
    near(
        &case("{\n[a]\n", "{\n[b]\n").score(Kind::Translate),
        "exact_match",
        0.5,
    );
}

#[test]
fn code_bleu_of_files_is_that_of_the_texts_and_has_intervals() {
    use skillbelt_code::Language;
    use skillbelt_code::quality::Linters;
    use skillbelt_train::metric::Judged;
    use skillbelt_train::metric::code_bleu::{CodeWritten, Dialect};

    let expected = [
        "int f ( int a ) { return a + 1 ; }",
        "int g ( ) { int b = 2 ; return b ; }",
    ];
    let written = [
        "int f ( int c ) { return c + 1 ; }",
        "int g ( ) { return 2 ; }",
    ];
    let case = case(expected.join("\n") + "\n", written.join("\n") + "\n");
    let code = score::Code {
        language: Language::Java,
        dialects: vec![Dialect::Paper, Dialect::Package],
        quality: Some(Linters::none()),
    };
    let scored = score::score(Kind::Translate, &case.files, Some(&code), &[], &DRAWS).unwrap();
    for dialect in [Dialect::Paper, Dialect::Package] {
        let judged = CodeWritten::new(Language::Java, dialect, &written, &expected).unwrap();
        for name in judged.names() {
            let told = &scored.measures[*name];
            assert_eq!(Some(told.value), judged.value(name, &[1, 1]), "{name}");
            let interval = told.interval.unwrap();
            assert!(interval.low <= told.value + 1e-12 && told.value <= interval.high + 1e-12);
        }
    }
    let quality = scored.quality.unwrap();
    assert_eq!(
        (quality.predictions.parsed, quality.references.parsed),
        (2, 2)
    );
    let wanted = ["codebleu_package_syntax".to_owned()];
    let scored = score::score(Kind::Translate, &case.files, Some(&code), &wanted, &DRAWS).unwrap();
    assert_eq!(scored.measures.len(), 1);
}

#[test]
fn our_own_answers_are_scored_as_programs_and_a_missing_one_is_an_empty_text() {
    use skillbelt_code::Language;
    use skillbelt_train::metric::code_bleu::Dialect;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("write.test.jsonl");
    let lines = [
        r#"{"name":"1","written":"def f():\n    return 1\n","expected":"def f():\n    return 1\n"}"#,
        r#"{"name":"2","written":"def f(): pass","expected":"def f():\n    return 2\n","failed":"cut"}"#,
        r#"{"name":"3","written":"def f(): pass"}"#,
    ];
    fs_err::write(&path, lines.join("\n")).unwrap();
    let files = Files {
        answers: path,
        predictions: None,
        pool: None,
    };
    let code = score::Code {
        language: Language::Python,
        dialects: vec![Dialect::Paper],
        quality: Some(skillbelt_code::quality::Linters::none()),
    };
    let scored = score::score(Kind::Answers, &files, Some(&code), &[], &DRAWS).unwrap();
    assert_eq!((scored.examples, scored.unknown), (2, 1));
    assert!(scored.measures["codebleu_paper"].value < 1.0);
    let quality = scored.quality.unwrap();
    assert_eq!(
        (quality.predictions.parsed, quality.references.parsed),
        (1, 2)
    );
}

/// AdvTest: each row asks and is found at once, under its `idx` and under its `url`.
#[test]
fn candidates_may_be_named_by_number_or_by_url() {
    let gold = "{\"url\":\"u/1\",\"idx\":1}\n{\"url\":\"u/2\",\"idx\":2}\n";
    for said in [
        "{\"url\":\"u/1\",\"answers\":[2,1]}\n{\"url\":\"u/2\",\"answers\":[2,1]}\n",
        "{\"url\":\"u/1\",\"answers\":[\"u/2\",\"u/1\"]}\n{\"url\":\"u/2\",\"answers\":[\"u/2\"]}\n",
    ] {
        let scored = case(gold, said).pool(9).score(Kind::Search);
        near(&scored, "mrr@list", 0.75);
    }
}
