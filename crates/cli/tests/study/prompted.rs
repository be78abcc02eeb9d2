//! The arm `prompted`: a study asks endpoints and bases itself, keeps what was answered, and goes on.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skillbelt_train::study::results::{CellState, Comparison, Results};

use crate::endpoint_server::{Reply, Request, Server};
use crate::tiny::{Ended, SMALL, Tiny, comparable};

/// Rows of a tiny test split.
const ROWS: usize = 24;

/// The small plan with one more arm, and how it is asked.
fn plan(prompts: &str) -> String {
    SMALL.replace("[single, multi]", "[single, multi, prompted]")
        + &format!("prompts: {{{prompts}}}\n")
}

fn served(server: &Server, more: &str) -> String {
    plan(&format!(
        "served: {{labels: generation, {more} endpoint: {{url: \"{}\", model: tiny, concurrent: 1, attempts: 2, \
         back_off_seconds: 0.01, price_in: 1}}}}",
        server.url()
    ))
}

/// What a model says that knows the tasks: the second word of each decides.
fn knows(request: &Request) -> Reply {
    let prompt = request.prompt();
    let asked = prompt.rsplit("number 2").nth(1).unwrap_or_default();
    let yes = asked.trim_end().ends_with("omega") || asked.trim_end().ends_with("high");
    Reply::said(if yes { "yes" } else { "no" })
}

fn asked(results: &Results) -> Vec<&skillbelt_train::study::results::Cell> {
    let cells = results.cells.iter();
    cells.filter(|cell| cell.arms == ["prompted"]).collect()
}

fn against_prompts(results: &Results) -> Vec<&Comparison> {
    results.tables.belt_minus_prompted.iter().collect()
}

#[test]
fn a_study_asks_an_endpoint_and_sets_its_answers_beside_belts() {
    let server = Server::start(knows);
    let tiny = Tiny::new(&served(&server, ""));
    let dry = Ended::from(tiny.command("out", &["--dry-run"]).output().unwrap());
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(
        dry.out.contains("served: 2 cells, 2 left") && dry.out.contains("48 prompts"),
        "{}",
        dry.out
    );
    assert!(server.requests().is_empty(), "an estimate asks nothing");
    let results = tiny.finds("out", &[]);
    let cells = asked(&results);
    let names: Vec<&str> = cells.iter().map(|cell| &cell.name[..]).collect();
    assert_eq!(names, ["served mark", "served tone"], "one for each task");
    for cell in cells {
        let outcome = cell.outcome.as_ref().unwrap();
        let test = outcome.tasks[0].test.as_ref().unwrap();
        assert_eq!(test.measures["accuracy"], Some(1.0), "{test:?}");
        let asked = outcome.asked.as_ref().unwrap();
        assert_eq!((asked.prompts, asked.failure_rate), (24, 0.0));
        assert_eq!(asked.tokens_read, Some(10 * ROWS as u64));
        assert!((asked.cost.unwrap() - 240.0 / 1e6).abs() < 1e-12);
        assert!(outcome.recipe.contains("prompting:") && outcome.machine.get("cores").is_some());
    }
    // Each task alone and with the other, one seed.
    let rows = against_prompts(&results);
    assert_eq!(rows.len(), 4);
    assert!(
        rows.iter()
            .all(|row| row.b.belt == "served" && row.difference <= 0.0)
    );
    let page = fs_err::read_to_string(tiny.path("out/study.html")).unwrap();
    assert!(page.contains("0.0% not read") && page.contains("prompted, not trained"));
    // Finished cells are asked nothing again, also where only the pace is another.
    let before = server.requests().len();
    assert_eq!(before, 2 * ROWS);
    tiny.plan(&served(&server, "").replace("concurrent: 1", "concurrent: 3"));
    assert_eq!(
        comparable(&tiny.finds("out", &[]))["tables"],
        comparable(&results)["tables"]
    );
    assert_eq!(server.requests().len(), before);
    // The control: another system message is another cell.
    tiny.plan(&served(&server, "system: Be short.,"));
    tiny.finds("out", &[]);
    assert_eq!(server.requests().len(), 2 * before);
}

#[test]
fn an_endpoint_that_dies_halfway_is_told_and_the_next_command_goes_on() {
    let left = Arc::new(AtomicUsize::new(30));
    let alive = Arc::clone(&left);
    let server = Server::start(move |request| {
        let take = |left: usize| left.checked_sub(1);
        match alive.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => knows(request),
            Err(_) => Reply::status(503),
        }
    });
    let tiny = Tiny::new(&served(&server, ""));
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for told in [
        "error: cell `served tone`",
        "status 503",
        "6 answers are kept",
        "goes on",
    ] {
        assert!(ended.err.contains(told), "{told} in {}", ended.err);
    }
    let results = tiny.results("out");
    assert_eq!(
        (results.state.done, results.state.failed),
        (4, 1),
        "belts and the first task"
    );
    let failed = results
        .cells
        .iter()
        .find(|cell| cell.state == CellState::Failed);
    assert!(failed.unwrap().message.as_ref().unwrap().contains("503"));
    let before = server.requests().len();
    left.store(1000, Ordering::SeqCst);
    let whole = tiny.finds("out", &[]);
    assert_eq!(
        server.requests().len() - before,
        ROWS - 6,
        "6 were answered before"
    );
    tiny.assert_each_once("out", 5);
    // It is what one finds whose endpoint lives.
    let alone = tiny.finds("alone", &[]);
    assert_eq!(comparable(&whole)["tables"], comparable(&alone)["tables"]);
}

#[test]
fn whoever_stops_while_an_endpoint_is_asked_goes_on_and_asks_nothing_twice() {
    let server = Server::start(|request| Reply {
        after: Duration::from_millis(30),
        ..knows(request)
    });
    let tiny = Tiny::new(&served(&server, ""));
    let child = tiny
        .command("out", &["--no-estimate", "--only", "prompted"])
        .spawn()
        .unwrap();
    while server.requests().len() < 5 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("everything is saved"), "{}", ended.err);
    assert!(server.requests().len() < 2 * ROWS);
    tiny.finds("out", &["--only", "prompted"]);
    assert_eq!(server.requests().len(), 2 * ROWS);
}

#[test]
fn bases_on_this_machine_are_asked_also_those_that_nothing_is_trained_on() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/qwen2");
    let golden = golden.canonicalize().unwrap();
    let text = plan(&format!(
        "zero: {{bases: [{0}]}}, few: {{bases: [{0}], only: [mark], shots: 2}}",
        golden.display()
    ));
    let tiny = Tiny::new(&text.replace("seeds: [0]", "seeds: [0, 1]"));
    let results = tiny.finds("out", &[]);
    let names: Vec<&str> = asked(&results).iter().map(|cell| &cell.name[..]).collect();
    // Examples are drawn by the seed; without examples nothing is.
    let expected = [
        "qwen2 zero mark",
        "qwen2 zero tone",
        "qwen2 few mark 0",
        "qwen2 few mark 1",
    ];
    assert_eq!(names, expected);
    let bases: Vec<&str> = results
        .study
        .bases
        .iter()
        .map(|base| &base.name[..])
        .collect();
    assert_eq!(bases, ["tiny", "qwen2"]);
    let rows = against_prompts(&results);
    assert_eq!(
        rows.len(),
        6,
        "two belts of each task, by two ways and by one"
    );
    for row in rows {
        assert_eq!(
            (row.base.as_str(), row.b.base.as_deref()),
            ("tiny", Some("qwen2"))
        );
        assert_eq!(row.seeds.len(), 2);
        let cells: Vec<&String> = row.seeds.iter().map(|seed| &seed.b_cell).collect();
        assert_eq!(cells[0] == cells[1], row.b.belt == "zero", "{row:?}");
    }
    let mean = results
        .tables
        .means
        .iter()
        .find(|mean| mean.belt == "few")
        .unwrap();
    assert_eq!((mean.base.as_str(), mean.seeds.len()), ("qwen2", 2));
    assert!(
        results
            .tables
            .groupings
            .iter()
            .all(|grouping| grouping.belt == "lora")
    );
}

#[test]
fn a_base_that_cannot_be_asked_fails_its_own_cells_alone() {
    let tiny = Tiny::new(&plan("zero: {only: [mark]}"));
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("cell `tiny zero mark`") && ended.err.contains("writes no text"),
        "{}",
        ended.err
    );
    let results = tiny.results("out");
    assert_eq!((results.state.done, results.state.failed), (3, 1));
}
