//! `retrieve`, by answers and by class: learning, the cut of batches, what is never a negative, and
//! how ranks are counted.

use skillbelt_train::data::{Candidate, Content};
use skillbelt_train::recipe::{TaskSettings, TaskType};
use skillbelt_train::task::{Answer, Set, Task};

use crate::bench::Bench;
use crate::classify::settings;
use crate::gradients;

fn query(query: &str, answer: &str, negatives: &[&str]) -> Content {
    Content::Query {
        query: query.into(),
        answer: Some(Candidate {
            name: Some(format!("name of {answer}")),
            text: answer.into(),
        }),
        negatives: negatives.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn member(text: &str, class: &str) -> Content {
    Content::Member {
        text: text.into(),
        class: class.into(),
    }
}

fn rows() -> Vec<Content> {
    vec![
        query("add two numbers", "return a + b", &["return a - b"]),
        query("read a file", "open(path).read()", &[]),
        query("sort a list", "xs.sort()", &["xs.reverse()"]),
        query("print a line", "print(line)", &[]),
        query("sort the list again", "xs.sort()", &[]),
        query("add two numbers", "sum([a, b])", &[]),
    ]
}

fn members() -> Vec<Content> {
    let texts = [
        "return a + b",
        "a + b",
        "sum(a, b)",
        "open(x)",
        "open(x).read()",
        "read(x)",
    ];
    let texts = texts.iter().enumerate();
    texts
        .map(|(i, text)| member(text, if i < 3 { "add" } else { "read" }))
        .collect()
}

fn symmetric(symmetric: bool) -> TaskSettings {
    TaskSettings {
        symmetric: Some(symmetric),
        temperature: Some(0.3),
        ..settings(TaskType::Retrieve)
    }
}

fn ranks(bench: &Bench, task: &Task, set: &Set) -> Vec<Vec<usize>> {
    let answers = task.objective.answer(&bench.stage(9, 40), set).unwrap();
    let ranks = answers.into_iter().map(|answer| match answer {
        Answer::Ranks { ranks, .. } => ranks,
        other => panic!("{other:?}"),
    });
    ranks.collect()
}

#[test]
fn queries_learn_to_find_their_answers() {
    let bench = Bench::new("bert", &["query", "value"], 0.0);
    let mut rows = rows();
    rows.truncate(5);
    rows.push(Content::Candidate(Candidate {
        name: None,
        text: "while True: pass".into(),
    }));
    let task = bench.task(&symmetric(true), rows);
    let set = bench.set(&task);
    // Four answers, one of them twice, and one more text to be found.
    assert_eq!((set.items.len(), set.pool.len(), set.tally.used), (5, 5, 6));
    let losses = bench.train(&task, &set, 40, 2e-2);
    assert!(losses[39] < 0.2, "{losses:?}");
    assert_eq!(ranks(&bench, &task, &set), vec![vec![1]; 5]);
    let answers = task.objective.answer(&bench.stage(9, 40), &set).unwrap();
    let Answer::Ranks { pool, best, .. } = &answers[0] else {
        panic!()
    };
    assert_eq!((*pool, &best[0][..]), (5, "name of return a + b"));
    assert_eq!(task.objective.measure(&set, &answers)[0], ("mrr", 1.0));
}

#[test]
fn members_learn_to_find_their_class() {
    let bench = Bench::new("bert", &["query", "value"], 0.0);
    let task = bench.task(&symmetric(false), members());
    let set = bench.set(&task);
    assert_eq!((set.classes.len(), set.pool.len()), (2, 0));
    let losses = bench.train(&task, &set, 40, 2e-2);
    assert!(losses[39] < 0.3, "{losses:?}");
    assert_eq!(ranks(&bench, &task, &set), vec![vec![1, 2]; 6]);
}

#[test]
fn gradients_are_those_of_the_loss_however_the_batch_is_cut() {
    for (rows, symmetry) in [(rows(), false), (rows(), true), (members(), true)] {
        let bench = Bench::new("bert", &["query", "value"], 0.0);
        bench.stir();
        let task = bench.task(&symmetric(symmetry), rows);
        let set = bench.set(&task);
        gradients::agree_with_differences(&bench, &task, &set);
        gradients::agree_for_every_cut(&bench, &task, &set);
    }
}

#[test]
fn a_decoder_that_is_cut_learns_the_same_with_dropout_drawn_twice() {
    // With dropout the second reading must draw what the first drew: else the gradient is of
    // another loss. Slopes of a cut batch show it.
    let bench = Bench::new("qwen2", &["q_proj", "v_proj"], 0.3);
    bench.stir();
    let task = bench.task(&symmetric(false), rows());
    let set = bench.set(&task);
    gradients::agree_with_differences_of(&bench, &task, &set, 30);
}

#[test]
fn an_answer_of_the_same_query_or_class_is_no_negative() {
    // Two right answers of one query and nothing else: no negative is left, and so no loss.
    let bench = Bench::new("bert", &["query"], 0.0);
    let twice = vec![
        query("add", "return a + b", &[]),
        query("add", "sum([a, b])", &[]),
    ];
    let alone: Vec<Content> = members().into_iter().take(3).collect();
    for rows in [twice, alone] {
        for symmetry in [false, true] {
            let task = bench.task(&symmetric(symmetry), rows.clone());
            let set = bench.set(&task);
            let (learnt, _) = gradients::learn(&bench, &task, &set, 4096, 1.0);
            assert!(learnt.loss.abs() < 1e-6, "{learnt:?}");
        }
    }
}

#[test]
fn hard_negatives_share_words_and_never_answer() {
    let bench = Bench::new("bert", &["query"], 0.0);
    let rows = vec![
        query("sort zebra numbers", "zebra first", &[]),
        query("sort zebra numbers", "zebra second", &[]),
        query("other thing", "zebra third numbers", &[]),
        query("nothing here", "qqqq jjjj", &[]),
        query("again nothing", "wwww vvvv", &[]),
        query("one more", "gggg kkkk", &[]),
        query("and one", "pppp dddd", &[]),
    ];
    let settings = TaskSettings {
        hard_negatives: Some(1),
        ..symmetric(false)
    };
    let task = bench.task(&settings, rows);
    let set = bench.set(&task);
    let third = set.items[2].texts[1];
    assert_eq!(set.items[0].texts[2..], [third]);
    assert_eq!(set.items[1].texts[2..], [third]);
    assert!(
        set.items
            .iter()
            .all(|item| !item.texts[2..].contains(&item.texts[1]))
    );
    assert_eq!(set.hash, bench.set(&task).hash);
}

#[test]
fn a_tie_counts_against_the_right_answer() {
    // One query with two answers that are cut to the same vector cannot be; twins by class can.
    let bench = Bench::new("bert", &["query"], 0.0);
    let rows = vec![
        member("a + b", "x"),
        member("open(f)", "y"),
        member("open(f)", "x"),
    ];
    let task = bench.task(&symmetric(false), rows);
    let set = bench.set(&task);
    let ranks = ranks(&bench, &task, &set);
    // For the first, the right one is as like as its twin of the other class: second, not first.
    assert_eq!(ranks, [vec![2], vec![], vec![2]]);
}
