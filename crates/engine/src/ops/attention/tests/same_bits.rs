//! Attention against itself: other batches, threads, caches and instruction sets.

use super::*;
use crate::param::Grads;
use crate::tape::backward_from;

/// The result and the gradients of queries, keys, values and table, for random cotangents.
fn numbers(case: &Case, isa: Isa, inputs: &[Mat]) -> Vec<Mat> {
    let pass = Pass::recording().with_isa(isa);
    let params: Vec<Param> = inputs
        .iter()
        .map(|mat| Param::trained("input", mat.clone()))
        .collect();
    let vars: Vec<Var> = params.iter().map(|param| pass.leaf(param)).collect();
    let y = case
        .run(&pass, [&vars[0], &vars[1], &vars[2]], &params[3])
        .unwrap();
    let mut grads = Grads::new();
    let result = y.value().clone();
    // The cotangent repeats itself so that a span alone can be given its own part of it.
    let dy = Mat::from_vec(
        y.rows(),
        y.cols(),
        inputs[0].data().iter().map(|x| x.sin()).collect(),
    );
    backward_from(&y, dy, &mut grads).unwrap();
    let mut all = vec![result];
    all.extend(params.iter().filter_map(|param| grads.take(param)));
    all
}

#[test]
fn a_span_in_a_batch_gets_the_bits_it_gets_alone() {
    for reach in [Reach::everything(), Reach::causal(), Reach::window(30)] {
        let batch = Case::new(&[3, 75, 1, 130], 6, 2, 20, reach.clone());
        let inputs = batch.inputs();
        let packed = numbers(&batch, Isa::chosen(), &inputs);
        let [spans, _] = batch.spans();
        for span in 0..spans.count() {
            let range = spans.range(span);
            let part = |mat: &Mat| {
                let data = mat.data()[range.start * mat.cols()..range.end * mat.cols()].to_vec();
                Mat::from_vec(range.len(), mat.cols(), data)
            };
            let mut own: Vec<Mat> = inputs[..3].iter().map(part).collect();
            own.push(inputs[3].clone());
            let case = Case::new(&[range.len()], 6, 2, 20, reach.clone());
            for (alone, packed) in numbers(&case, Isa::chosen(), &own).iter().zip(&packed) {
                assert!(*alone == part(packed), "{reach:?}, span {span}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (heads, kv_heads) in [(4, 4), (12, 1)] {
        let case = Case {
            bias: Some((16, 20, true)),
            ..Case::new(&[70, 5, 33], heads, kv_heads, 8, Reach::everything())
        };
        let inputs = case.inputs();
        let found = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| numbers(&case, Isa::chosen(), &inputs))
        });
        assert_eq!(found[0].len(), 5);
        assert!(found[0] == found[1] && found[0] == found[2]);
    }
}

#[test]
fn every_instruction_set_agrees_with_the_plain_one() {
    let case = Case {
        bias: Some((16, 20, false)),
        ..Case::new(&[60, 7], 4, 2, 16, Reach::causal())
    };
    let inputs = case.inputs();
    let expected = plain(&numbers(&case, Isa::Portable, &inputs));
    for isa in Isa::available() {
        for (found, expected) in numbers(&case, isa, &inputs).iter().zip(&expected) {
            compare(isa.name(), found, expected, 5e-6).unwrap();
        }
    }
}

#[test]
fn decoding_with_caches_gives_the_bits_of_the_packed_sequence() {
    for (heads, kv_heads, width) in [(4, 4, 16), (14, 2, 64), (5, 1, 7)] {
        for (reach, bias) in [
            (Reach::causal(), None),
            (Reach::window(9), None),
            (Reach::causal(), Some((16, 20, false))),
        ] {
            let case = Case {
                bias,
                ..Case::new(&[70, 1, 20], heads, kv_heads, width, reach)
            };
            let inputs = case.inputs();
            let table = Param::frozen("table", inputs[3].clone());
            let pass = Pass::inference();
            let [q, k, v] = [0, 1, 2].map(|input: usize| pass.constant(inputs[input].clone()));
            let packed = case.run(&pass, [&q, &k, &v], &table).unwrap();
            let [spans, _] = case.spans();
            let row = k.cols();
            for last in [1, 2, 12] {
                let counts: Vec<usize> = case.keys.iter().map(|length| last.min(*length)).collect();
                let rows: Vec<usize> = spans
                    .ranges()
                    .zip(&counts)
                    .flat_map(|(range, count)| range.end - count..range.end)
                    .collect();
                let take = |mat: &Mat| {
                    let data = rows.iter().flat_map(|row| mat.row(*row)).copied().collect();
                    Mat::from_vec(rows.len(), mat.cols(), data)
                };
                let caches: Vec<Cached<'_>> = spans
                    .ranges()
                    .map(|range| Cached {
                        keys: &k.value().data()[range.start * row..range.end * row],
                        values: &v.value().data()[range.start * row..range.end * row],
                        length: range.len(),
                        row,
                    })
                    .collect();
                let found = attention_cached(
                    pass.isa(),
                    &take(q.value()),
                    0,
                    &Spans::from_lengths(&counts).unwrap(),
                    &caches,
                    &case.how,
                    case.relative(&table).as_ref(),
                )
                .unwrap();
                assert!(found == take(packed.value()), "{heads} heads, last {last}");
            }
        }
    }
}

#[test]
fn gradients_that_nobody_wants_are_not_given() {
    let case = Case::new(&[3, 2], 2, 1, 4, Reach::causal());
    let inputs = case.inputs();
    let full = numbers(&case, Isa::chosen(), &inputs);
    let pass = Pass::recording();
    let value = Param::trained("v", inputs[2].clone());
    let [q, k] = [0, 1].map(|input: usize| pass.constant(inputs[input].clone()));
    let table = Param::frozen("table", inputs[3].clone());
    let y = case
        .run(&pass, [&q, &k, &pass.leaf(&value)], &table)
        .unwrap();
    let dy = Mat::from_vec(5, 8, inputs[0].data().iter().map(|x| x.sin()).collect());
    let mut grads = Grads::new();
    backward_from(&y, dy, &mut grads).unwrap();
    assert_eq!(grads.len(), 1);
    assert!(*grads.get(&value).unwrap() == full[3]);
}
