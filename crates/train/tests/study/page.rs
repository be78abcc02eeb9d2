//! The page of a study: whole, escaped, the same every time, and honest about what is missing.

use skillbelt_train::study::page::{page, read};
use skillbelt_train::study::results::{CellState, Comparison, Results};

const EXAMPLE: &str = include_str!("../study_files/results.json");
/// Ends a script, an attribute, a comment, a template and a line of script; and letters of many kinds.
const HOSTILE: &str = "</script><script>alert('1')</script>\"><img src=x onerror=alert(1)>{{ 7*7 }}-->\u{2028}é漢🦀&amp;";

fn example() -> Results {
    serde_json::from_str(EXAMPLE).unwrap()
}

/// The example as text, with a word of it replaced wherever it stands as a whole value or key.
fn renamed(word: &str, by: &str) -> Results {
    let text = EXAMPLE.replace(&format!("\"{word}\""), &serde_json::to_string(by).unwrap());
    serde_json::from_str(&text).unwrap()
}

/// How many belts are trained, and not asked.
fn trained(results: &Results) -> usize {
    let belts = results.study.belts.iter();
    belts.filter(|belt| belt.kind != "prompt").count()
}

/// What stands in the element of data.
fn data(page: &str) -> &str {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    rest.split_once("</script>").unwrap().0
}

fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

#[test]
fn the_same_results_give_the_same_bytes_and_ask_no_network() {
    let first = page(&example()).unwrap();
    assert!(first == page(&example()).unwrap());
    for outside in [
        "http://", "https://", "@import", "url(", "<link", "<img", "src=",
    ] {
        assert!(!first.contains(outside), "{outside}");
    }
    assert!(first.contains("default-src 'none'"));
}

#[test]
fn the_page_holds_every_row_of_every_table_and_every_run() {
    let results = example();
    let page = page(&results).unwrap();
    let tables = &results.tables;
    let rows = tables.multi_minus_single.len()
        + tables.belt_minus_full.len()
        + tables.pairs.len()
        + tables.belt_minus_prompted.len();
    assert_eq!(count(&page, "class=\"forest\""), rows);
    assert_eq!(
        count(&page, "<td class=\"groups\">"),
        tables.groupings.len()
    );
    assert_eq!(count(&page, "<details class=\"run "), results.cells.len());
    assert_eq!(count(&page, "class=\"matrix\""), trained(&results));
    for cell in &results.cells {
        assert!(page.contains(&cell.key));
    }
}

#[test]
fn hostile_names_stay_text_wherever_they_stand() {
    for word in [
        "defect", "lora", "minilm", "mrr", "cpu", "example", "lora_r",
    ] {
        let results = renamed(word, HOSTILE);
        assert!(results != example(), "{word} is in the example");
        let hostile = page(&results).unwrap();
        let plain = page(&example()).unwrap();
        for tag in ["<script", "</script", "<img", "<!--", "</style"] {
            assert_eq!(count(&hostile, tag), count(&plain, tag), "{word}: {tag}");
        }
        assert!(!hostile.contains("onerror=alert(1)>"), "{word}");
        assert!(hostile.contains("{{ 7*7 }}"), "{word} is not a template");
    }
}

#[test]
fn hostile_messages_recipes_plans_and_warnings_stay_text() {
    let mut results = example();
    results.warnings.push(HOSTILE.into());
    results.study.plan = HOSTILE.into();
    results.cells[1].message = Some(HOSTILE.into());
    results.cells[1].state = CellState::Failed;
    if let Some(outcome) = &mut results.cells[0].outcome {
        outcome.recipe = HOSTILE.into();
        outcome.machine = HOSTILE.into();
    }
    let hostile = page(&results).unwrap();
    let plain = page(&example()).unwrap();
    assert_eq!(count(&hostile, "<script"), count(&plain, "<script"));
    assert_eq!(count(&hostile, "</script"), count(&plain, "</script"));
    assert!(!hostile.contains("<img"));
    assert_eq!(count(&hostile, "&lt;img src=x"), 6, "two of the failed run");
}

#[test]
fn the_data_in_the_page_are_the_results() {
    for results in [example(), renamed("defect", HOSTILE)] {
        let page = page(&results).unwrap();
        let data = data(&page);
        assert!(!data.contains(['<', '>', '&', '\u{2028}']));
        assert!(serde_json::from_str::<Results>(data).unwrap() == results);
    }
}

#[test]
fn a_study_of_nothing_and_a_study_of_which_nothing_is_done_have_a_page() {
    let mut results = example();
    for cell in &mut results.cells {
        cell.outcome = None;
        cell.state = CellState::Waiting;
    }
    results.tables = Default::default();
    let waiting = page(&results).unwrap();
    assert!(waiting.contains("70 waiting") && waiting.contains("2 of 2 waiting</span>"));
    assert!(!waiting.contains("class=\"forest\""));
    results.cells.clear();
    results.study.tasks.clear();
    results.study.bases.clear();
    results.study.belts.clear();
    let nothing = page(&results).unwrap();
    assert!(nothing.contains("The plan has no runs."));
    for odd in ["NaN", "inf%", "None"] {
        assert!(!nothing.contains(odd), "{odd}");
    }
}

#[test]
fn a_study_of_one_task_has_a_page_without_a_filter_of_tasks() {
    let mut results = example();
    let kept = results.study.tasks[0].name.clone();
    results.study.tasks.truncate(1);
    results.cells.retain(|cell| cell.tasks == [kept.as_str()]);
    results
        .tables
        .means
        .retain(|mean| mean.tasks == [kept.as_str()]);
    results.tables.multi_minus_single.clear();
    results.tables.pairs.clear();
    let page = page(&results).unwrap();
    assert!(page.contains("1 task,"));
    assert!(page.contains("<fieldset hidden>"));
    assert!(!page.contains("class=\"matrix\""));
}

#[test]
fn what_is_missing_is_said_where_its_number_would_stand() {
    let page = page(&example()).unwrap();
    // `full` on all tasks with seed 1 is running; its pair of clone and flaky failed with seed 1.
    assert!(page.contains("<span class=\"lacking\">1 of 2 running</span>"));
    assert!(page.contains("disk full: No space left on device"));
    let mut results = example();
    results.tables.pairs.remove(0);
    results.cells[8].state = CellState::Damaged;
    let without = super::page::page(&results).unwrap();
    assert!(without.contains(">1 of 2 damaged</text>"));
}

/// The words of marks in the first table of comparisons, after a change of its rows.
fn marks(change: impl Fn(&mut Comparison)) -> [usize; 3] {
    let mut results = example();
    results
        .tables
        .multi_minus_single
        .iter_mut()
        .for_each(change);
    let page = page(&results).unwrap();
    let (_, rest) = page
        .split_once("<section aria-labelledby=\"multi-single\">")
        .unwrap();
    let table = rest.split_once("</section>").unwrap().0;
    ["better", "worse", "unclear"].map(|word| count(table, &format!("class=\"{word}\">")))
}

#[test]
fn a_difference_is_marked_by_its_p_after_holm_and_by_nothing_else() {
    assert_eq!(marks(|_| ()), [6, 1, 5]);
    // Controls: not by the p before the correction, nor by size, nor without an interval.
    assert_eq!(marks(|row| row.p = Some(1e-9)), [6, 1, 5]);
    assert_eq!(marks(|row| row.difference *= 9.0), [6, 1, 5]);
    assert_eq!(marks(|row| row.interval = None), [0, 0, 12]);
    assert_eq!(marks(|row| row.p_holm = None), [0, 0, 12]);
    assert_eq!(marks(|row| row.p_holm = Some(0.05)), [0, 0, 12]);
    assert_eq!(marks(|row| row.difference = -row.difference), [1, 6, 5]);
}

#[test]
fn less_is_better_where_the_measure_says_so() {
    let mut results = example();
    for task in &mut results.study.tasks {
        task.rises = false;
    }
    let turned = page(&results).unwrap();
    assert!(turned.contains("less is better"));
    assert!(turned.contains("<span><b>1</b> better</span> <span><b>6</b> worse</span>"));
}

#[test]
fn no_difference_stands_without_its_interval_or_a_word_that_there_is_none() {
    let mut results = example();
    for row in &mut results.tables.pairs {
        (row.interval, row.p, row.p_holm) = (None, None, None);
    }
    let page = page(&results).unwrap();
    let squares = 12 * trained(&results);
    assert_eq!(count(&page, ">no interval</text>"), squares);
    assert_eq!(
        count(&page, "none: says nothing"),
        results.tables.pairs.len()
    );
}

#[test]
fn the_adviser_stands_against_the_pairs_where_cells_were_looked_at() {
    let results = example();
    let whole = page(&results).unwrap();
    let foreseen = &results.tables.foreseen;
    let known = foreseen.iter().flat_map(|it| &it.pairs);
    let known = known.filter(|pair| pair.measured.is_some()).count();
    assert_eq!(count(&whole, "<circle class=\"pair\""), known);
    let correlation = foreseen[0].trial.as_ref().unwrap().correlation.unwrap();
    let shown = format!("<dd>+{correlation:.3} (");
    assert!(whole.contains(&shown), "{shown}");
    assert!(whole.contains("place 3 of 11"));
    // Nothing is said of a correlation that there is none of, nor of pairs that were not trained.
    let mut results = example();
    results.tables.foreseen.truncate(1);
    if let Some(trial) = &mut results.tables.foreseen[0].trial {
        trial.correlation = None;
        trial.by_groups = None;
    }
    let odd = page(&results).unwrap();
    assert!(odd.contains("is all the same") && odd.contains("were not all trained"));
    results.tables.foreseen[0].trial = None;
    let untried = page(&results).unwrap();
    assert!(
        untried.contains("Pairs were not trained") && !untried.contains("<circle class=\"pair\"")
    );
    results.tables.foreseen.clear();
    let without = page(&results).unwrap();
    assert!(!without.contains("on trial"));
    // Results of before there was an adviser in studies are read as they are.
    assert!(
        !serde_json::to_string(&results)
            .unwrap()
            .contains("foreseen")
    );
}

#[test]
fn what_was_asked_in_words_stands_in_the_table_of_belts_with_what_was_not_read() {
    let page = page(&example()).unwrap();
    let (_, rest) = page
        .split_once("<section aria-labelledby=\"results\">")
        .unwrap();
    let table = rest.split_once("</section>").unwrap().0;
    assert!(table.contains("prompted, not trained"));
    assert_eq!(count(table, "% not read"), 4);
    assert!(table.contains("1.4% not read"), "35 of 2435");
    assert!(page.contains("31 more than a label word"));
    assert!(page.contains("minus zero_shot</li>"));
}

#[test]
fn a_file_that_holds_no_results_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    for (text, says) in [
        (
            "{\n\"format\": 1,\n\"study\": 7}",
            "results.json:3: not the results",
        ),
        ("{\"format\": 99}", "expected 1, found 99"),
        ("", "results.json:1: not the results"),
    ] {
        fs_err::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    fs_err::write(&path, EXAMPLE).unwrap();
    assert!(read(&path).unwrap() == example());
}
