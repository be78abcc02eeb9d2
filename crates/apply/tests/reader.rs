//! What a reader answers from vectors is what the belt answers when it is asked row by row.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod worn;

use skillbelt_apply::reader::{Reader, Way, identity};
use skillbelt_engine::Precision;
use skillbelt_train::data::{Candidate, Content};
use skillbelt_train::evaluate::Example;
use skillbelt_train::predict::Outcome;
use skillbelt_train::task::Side;

const TEXTS: [&str; 4] = [
    "alpha beta",
    "row sum key map delta",
    "gamma",
    "alpha beta alpha row row row row sum sum key key delta delta gamma map map map alpha alpha",
];

/// The order of the answer to bits does not change what a vector is.
const TOLERANCE: f64 = 1e-6;

fn ids(reader: &Reader, way: Way) -> Vec<Vec<u32>> {
    let of = |text: &&str| reader.ids(way, text).unwrap().unwrap();
    TEXTS.iter().map(of).collect()
}

fn shares(outcome: &Outcome) -> Vec<f64> {
    match outcome {
        Outcome::Answered(Example::Classed(answer)) => {
            answer.probabilities.values().map(|p| p.unwrap()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn assert_near(found: &[Vec<f64>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < TOLERANCE, "{found} {expected}");
    }
}

fn check(kind: &str, family: &str, ways: usize) {
    let folder = tempfile::tempdir().unwrap();
    let base = worn::base(family);
    let belt = worn::belt(folder.path(), &base, kind);
    let reader = Reader::open(&belt, &base, None)
        .unwrap()
        .with_pack_tokens(7);
    assert_eq!(reader.ways().count(), ways, "{kind}");

    let mark = reader.task("mark").unwrap();
    let way = reader.way(mark, Side::Candidate).unwrap();
    let vectors = reader.vectors(way, &ids(&reader, way)).unwrap();
    let judged = reader.judge(mark, vectors.clone()).unwrap().unwrap();
    let rows = TEXTS.map(|text| Content::Text {
        text: text.to_owned(),
        label: None,
    });
    let asked = reader.answer(mark, rows.to_vec()).unwrap();
    let expected: Vec<Vec<f64>> = asked.iter().map(shares).collect();
    assert_near(&judged, &expected);
    // Controls: the four texts are not answered alike, and vectors in another order are others'.
    assert!((judged[0][0] - judged[1][0]).abs() > 10.0 * TOLERANCE);
    let turned: Vec<Vec<u32>> = ids(&reader, way).into_iter().rev().collect();
    let turned = reader.judge(mark, reader.vectors(way, &turned).unwrap());
    assert!((turned.unwrap().unwrap()[0][0] - expected[0][0]).abs() > 10.0 * TOLERANCE);

    let twins = reader.task("twins").unwrap();
    let way = reader.way(twins, Side::Candidate).unwrap();
    let vectors = reader.vectors(way, &ids(&reader, way)).unwrap();
    let pairs: [&[usize]; 2] = [&[0, 1, 3], &[1, 0, 3]];
    let compared = reader.compare(twins, vectors, (pairs[0], pairs[1]));
    let pair = |(a, b): (&usize, &usize)| Content::Pair {
        first: TEXTS[*a].to_owned(),
        second: TEXTS[*b].to_owned(),
        label: None,
    };
    let rows: Vec<Content> = pairs[0].iter().zip(pairs[1]).map(pair).collect();
    let asked = reader.answer(twins, rows.clone()).unwrap();
    let expected: Vec<Vec<f64>> = asked.iter().map(shares).collect();
    assert_near(&compared.unwrap().unwrap(), &expected);

    let joined = reader.task("joined").unwrap();
    assert!(reader.way(joined, Side::Candidate).is_none());
    assert_eq!(reader.answer(joined, rows).unwrap().len(), 3);

    let search = reader.task("search").unwrap();
    let query = reader.way(search, Side::Query).unwrap();
    let found = reader.way(search, Side::Candidate).unwrap();
    assert_ne!(query, found);
    assert_eq!(ids(&reader, query)[3].len(), 12);
    let candidates = Reader::units(reader.vectors(found, &ids(&reader, found)).unwrap());
    let asking = Reader::units(reader.vectors(query, &ids(&reader, query)[..1]).unwrap());
    let cosine = |row: usize| -> f64 {
        let products = asking.row(0).iter().zip(candidates.row(row));
        products.map(|(a, b)| f64::from(a * b)).sum()
    };
    let mut rows: Vec<Content> = TEXTS
        .map(|text| {
            Content::Candidate(Candidate {
                name: Some(text.to_owned()),
                text: text.to_owned(),
            })
        })
        .to_vec();
    rows.push(Content::Query {
        query: TEXTS[0].to_owned(),
        answer: None,
        negatives: Vec::new(),
    });
    let answers = reader.answer(search, rows).unwrap();
    let Some(Outcome::Answered(Example::Ranked(ranked))) = answers.last() else {
        panic!("{answers:?}")
    };
    for (name, expected) in ranked.best.iter().zip(&ranked.cosines) {
        let at = TEXTS.iter().position(|text| text == name).unwrap();
        assert!((cosine(at) - f64::from(expected.unwrap())).abs() < TOLERANCE);
    }
}

#[test]
fn a_shared_belt_has_one_vector_for_all_tasks_that_read_alike() {
    check("{kind: lora, lora_r: 2}", "bert", 2);
    check("{kind: lora, lora_r: 2}", "qwen2", 2);
}

#[test]
fn a_belt_with_parts_for_each_task_reads_for_each() {
    check("{kind: task_lora, lora_r: 2}", "bert", 4);
}

#[test]
fn a_text_without_words_has_no_ids_and_a_bare_base_no_tasks() {
    let base = worn::base("bert");
    let reader = Reader::bare(&base, Precision::F32).unwrap();
    let way = reader.ways().next().unwrap();
    assert_eq!(reader.ids(way, " \n").unwrap(), None);
    assert_eq!(reader.vectors(way, &ids(&reader, way)).unwrap().rows(), 4);
    let none: [Vec<u32>; 0] = [];
    assert_eq!(reader.vectors(way, &none).unwrap().rows(), 0);
    let told = reader.task("mark").err().unwrap().to_string();
    assert!(told.contains("mark"), "{told}");
}

#[test]
fn an_identity_changes_with_belt_base_and_precision_and_with_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let base = worn::base("bert");
    let belt = worn::belt(folder.path(), &base, "{kind: lora, lora_r: 2}");
    let own = |precision| identity(Some(&belt), &base, precision).unwrap();
    let first = own(Precision::F32);
    assert_eq!(first, own(Precision::F32));
    assert_ne!(first, own(Precision::Int8));
    assert_ne!(first, identity(None, &base, Precision::F32).unwrap());
    let other = worn::base("roberta");
    assert_ne!(
        first,
        identity(Some(&belt), &other, Precision::F32).unwrap()
    );
    let card = belt.join("belt.json");
    let text = fs_err::read_to_string(&card).unwrap() + "\n";
    fs_err::write(&card, text).unwrap();
    assert_ne!(first, own(Precision::F32));
}
