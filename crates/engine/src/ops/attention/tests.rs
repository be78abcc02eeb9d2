//! The proof of attention against a plain formula in f64 with masks written out.

mod same_bits;

use super::*;
use crate::mat::Mat;
use crate::param::Param;
use crate::proof::{Plain, check, compare, random};

/// A case: spans of queries and keys, heads, and what they see.
#[derive(Clone)]
struct Case {
    queries: Vec<usize>,
    keys: Vec<usize>,
    how: Attend,
    /// Buckets, largest distance, both directions.
    bias: Option<(usize, usize, bool)>,
}

impl Case {
    fn new(lengths: &[usize], heads: usize, kv_heads: usize, width: usize, reach: Reach) -> Case {
        Case {
            queries: lengths.to_vec(),
            keys: lengths.to_vec(),
            how: Attend {
                heads,
                kv_heads,
                head_width: width,
                scale: 0.6,
                reach,
            },
            bias: None,
        }
    }

    fn spans(&self) -> [Spans; 2] {
        [&self.queries, &self.keys].map(|lengths| Spans::from_lengths(lengths).unwrap())
    }

    fn relative(&self, table: &Param) -> Option<RelativeBias> {
        self.bias
            .map(|(_, max_distance, bidirectional)| RelativeBias {
                table: table.clone(),
                max_distance,
                bidirectional,
                ahead: 0,
            })
    }

    /// Queries, keys, values and the table.
    fn inputs(&self) -> Vec<Mat> {
        let [q, k] = self.spans().map(|spans| spans.tokens());
        let (all, shared) = (
            self.how.heads * self.how.head_width,
            self.how.kv_heads * self.how.head_width,
        );
        let buckets = self.bias.map_or(1, |bias| bias.0);
        vec![
            random("q", q, all, 1.0),
            random("k", k, shared, 1.0),
            random("v", k, shared, 1.0),
            random("table", buckets, self.how.heads, 1.0),
        ]
    }

    fn run(&self, pass: &Pass, [q, k, v]: [&Var; 3], table: &Param) -> Result<Var> {
        let [q_spans, kv_spans] = self.spans();
        let bias = self.relative(table);
        let [q, k, v] = [q, k, v].map(Columns::all);
        attention(pass, q, k, v, &q_spans, &kv_spans, &self.how, bias.as_ref())
    }

    /// Compares the operation with the formula of this case.
    fn prove(&self) -> std::result::Result<(), String> {
        self.prove_against(self)
    }

    fn prove_against(&self, truth: &Case) -> std::result::Result<(), String> {
        check(
            &self.inputs(),
            |pass, vars, params| self.run(pass, [&vars[0], &vars[1], &vars[2]], &params[3]),
            |inputs| truth.formula(&inputs[0], &inputs[1], &inputs[2], &inputs[3]),
        )
    }

    /// Whether a query sees a key, by their places in the span.
    fn sees(&self, span: usize, query: usize, key: usize) -> bool {
        let place = (query + self.keys[span]) as i64 - self.queries[span] as i64;
        let (reach, key) = (&self.how.reach, key as i64);
        let prefix = reach.prefix.as_ref().map_or(0, |prefix| prefix[span]) as i64;
        let left = reach.left.is_none_or(|left| key >= place - left as i64);
        let right = reach.right.is_none_or(|right| key <= place + right as i64);
        (left && right) || (place < prefix && key < prefix)
    }

    /// T5's bucket, written as in the paper's code.
    fn bucket(&self, distance: i64) -> usize {
        let (buckets, largest, both) = self.bias.unwrap();
        let count = if both { buckets / 2 } else { buckets };
        let shift = if both && distance > 0 { count } else { 0 };
        let distance = if both {
            distance.abs()
        } else {
            -distance.min(0)
        } as f64;
        let exact = (count / 2) as f64;
        let far = (distance / exact).ln() / (largest as f64 / exact).ln();
        let place = match distance < exact {
            true => distance,
            false => {
                (exact + (far * (count as f64 - exact) + 1e-6).floor()).min(count as f64 - 1.0)
            }
        };
        shift + place as usize
    }

    fn formula(&self, q: &Plain, k: &Plain, v: &Plain, table: &Plain) -> Plain {
        let Attend {
            heads,
            kv_heads,
            head_width: d,
            scale,
            ..
        } = self.how;
        let mut out = Plain::zeros(q.rows, heads * d);
        let (mut q0, mut k0) = (0, 0);
        for (span, (tq, tk)) in self.queries.iter().zip(&self.keys).enumerate() {
            for head in 0..heads {
                let shared = head / (heads / kv_heads);
                for i in 0..*tq {
                    let score = |j: usize| {
                        let q = &q.row(q0 + i)[head * d..(head + 1) * d];
                        let k = &k.row(k0 + j)[shared * d..(shared + 1) * d];
                        let dot: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
                        let distance = j as i64 - (i + tk) as i64 + *tq as i64;
                        let bias = self
                            .bias
                            .map_or(0.0, |_| table.at(self.bucket(distance), head));
                        dot * f64::from(scale) + bias
                    };
                    let seen: Vec<usize> = (0..*tk).filter(|j| self.sees(span, i, *j)).collect();
                    let weights: Vec<f64> = seen.iter().map(|j| score(*j).exp()).collect();
                    let sum: f64 = weights.iter().sum();
                    for (j, weight) in seen.iter().zip(weights) {
                        for c in 0..d {
                            out.data[(q0 + i) * heads * d + head * d + c] +=
                                weight / sum * v.at(k0 + j, shared * d + c);
                        }
                    }
                }
            }
            (q0, k0) = (q0 + tq, k0 + tk);
        }
        out
    }
}

fn local() -> Reach {
    Reach {
        left: Some(2),
        right: Some(1),
        prefix: None,
    }
}

#[test]
fn attention_agrees_with_the_plain_formula_at_every_width_of_head() {
    for width in [1, 2, 3, 4, 5, 7, 8, 16, 17] {
        for reach in [Reach::everything(), Reach::causal()] {
            Case::new(&[3, 1, 5], 2, 2, width, reach).prove().unwrap();
        }
    }
}

#[test]
fn attention_agrees_with_the_plain_formula_for_every_reach() {
    let reaches = [
        Reach::everything(),
        Reach::causal(),
        Reach::window(1),
        Reach::window(2),
        Reach::window(5),
        local(),
        Reach::prefix(&[1, 0, 3, 9]),
    ];
    for reach in reaches {
        Case::new(&[1, 2, 5, 9], 2, 1, 3, reach).prove().unwrap();
    }
}

#[test]
fn attention_agrees_with_the_plain_formula_when_heads_share_keys() {
    for (heads, kv_heads) in [(4, 2), (6, 3), (3, 1), (7, 1), (10, 1)] {
        for reach in [Reach::everything(), Reach::causal()] {
            Case::new(&[4, 1], heads, kv_heads, 4, reach)
                .prove()
                .unwrap();
        }
    }
}

#[test]
fn attention_agrees_with_the_plain_formula_across_other_spans() {
    let across = |queries: &[usize], keys: &[usize], reach| Case {
        queries: queries.to_vec(),
        keys: keys.to_vec(),
        ..Case::new(&[1], 2, 1, 4, reach)
    };
    across(&[3, 1, 2], &[2, 4, 2], Reach::everything())
        .prove()
        .unwrap();
    across(&[3, 1, 2], &[5, 1, 4], Reach::causal())
        .prove()
        .unwrap();
    across(&[3, 1], &[6, 7], Reach::window(3)).prove().unwrap();
}

#[test]
fn attention_agrees_with_the_plain_formula_with_relative_bias() {
    for (bias, reach) in [
        ((8, 6, true), Reach::everything()),
        ((8, 6, false), Reach::causal()),
        ((32, 128, true), Reach::everything()),
        ((6, 9, false), Reach::everything()),
    ] {
        for lengths in [&[5, 1][..], &[12]] {
            for kv_heads in [1, 2] {
                let case = Case {
                    bias: Some(bias),
                    ..Case::new(lengths, 2, kv_heads, 3, reach.clone())
                };
                case.prove().unwrap();
            }
        }
    }
    let shorter = Case {
        queries: vec![2, 1],
        keys: vec![5, 4],
        bias: Some((8, 6, false)),
        ..Case::new(&[1], 2, 2, 3, Reach::causal())
    };
    shorter.prove().unwrap();
}

#[test]
fn attention_agrees_with_the_plain_formula_over_several_blocks() {
    Case::new(&[59], 1, 1, 1, Reach::causal()).prove().unwrap();
    Case::new(&[16, 1], 4, 1, 1, Reach::window(7))
        .prove()
        .unwrap();
    for reach in [Reach::everything(), Reach::window(40)] {
        let case = Case::new(&[130, 3, 70], 3, 1, 20, reach);
        let inputs = case.inputs();
        let exact = plain(&inputs);
        let expected = case.formula(&exact[0], &exact[1], &exact[2], &exact[3]);
        let pass = Pass::inference();
        let vars: Vec<Var> = inputs.into_iter().map(|mat| pass.constant(mat)).collect();
        let table = Param::frozen("table", Mat::zeros(1, 3));
        let y = case
            .run(&pass, [&vars[0], &vars[1], &vars[2]], &table)
            .unwrap();
        compare("result", y.value(), &expected, 2e-6).unwrap();
    }
}

/// The same numbers in f64.
fn plain(mats: &[Mat]) -> Vec<Plain> {
    let plain =
        |mat: &Mat| Plain::from_fn(mat.rows(), mat.cols(), |row, col| mat.row(row)[col].into());
    mats.iter().map(plain).collect()
}

#[test]
fn fused_columns_get_one_gradient() {
    let case = Case::new(&[4, 2], 4, 2, 3, Reach::causal());
    let [spans, _] = case.spans();
    // A column to spare before, between and after: values, queries, keys.
    let firsts = [8, 21, 1];
    check(
        &[random("qkv", 6, 28, 1.0)],
        |pass, vars, _| {
            let [q, k, v] = firsts.map(|first| Columns {
                var: &vars[0],
                first,
            });
            attention(pass, q, k, v, &spans, &spans, &case.how, None)
        },
        |inputs| {
            let part = |first: usize, width| {
                Plain::from_fn(6, width, |row, col| inputs[0].at(row, first + col))
            };
            let (q, k, v) = (part(firsts[0], 12), part(firsts[1], 6), part(firsts[2], 6));
            case.formula(&q, &k, &v, &q)
        },
    )
    .unwrap();
}

#[test]
fn one_value_may_be_queries_keys_and_values_at_once() {
    let case = Case::new(&[4, 2], 2, 2, 3, Reach::everything());
    check(
        &[random("x", 6, 6, 1.0)],
        |pass, vars, params| case.run(pass, [&vars[0], &vars[0], &vars[0]], &params[0]),
        |inputs| case.formula(&inputs[0], &inputs[0], &inputs[0], &inputs[0]),
    )
    .unwrap();
}

#[test]
fn the_oracle_notices_a_wrong_scale_and_a_window_that_is_off_by_one() {
    let right = Case::new(&[6, 3], 2, 1, 4, Reach::window(3));
    right.prove().unwrap();
    let mut scale = right.clone();
    scale.how.scale *= 1.001;
    assert!(right.prove_against(&scale).is_err());
    let mut window = right.clone();
    window.how.reach = Reach::window(4);
    assert!(right.prove_against(&window).is_err());
    let mut bias = right.clone();
    bias.how.reach = Reach::everything();
    bias.bias = Some((8, 6, true));
    let mut other = bias.clone();
    other.bias = Some((8, 6, false));
    bias.prove().unwrap();
    assert!(bias.prove_against(&other).is_err());
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let case = Case::new(&[3, 2], 4, 2, 4, Reach::causal());
    let pass = Pass::inference();
    let table = Param::frozen("table", Mat::zeros(8, 4));
    let run = |case: &Case, q: (usize, usize), kv: (usize, usize)| {
        let [q, kv] = [q, kv].map(|(rows, cols)| pass.constant(Mat::zeros(rows, cols)));
        case.run(&pass, [&q, &kv, &kv], &table).err()
    };
    assert_eq!(run(&case, (5, 16), (5, 8)), None);
    assert!(matches!(
        run(&case, (5, 15), (5, 8)),
        Some(Error::Shape { .. })
    ));
    assert!(matches!(
        run(&case, (5, 16), (5, 7)),
        Some(Error::Shape { .. })
    ));
    assert!(matches!(
        run(&case, (4, 16), (5, 8)),
        Some(Error::Shape { .. })
    ));
    assert!(matches!(
        run(&case, (0, 16), (0, 8)),
        Some(Error::Shape { .. })
    ));
    let uneven = Case::new(&[3, 2], 4, 3, 4, Reach::causal());
    assert!(matches!(
        run(&uneven, (5, 16), (5, 12)),
        Some(Error::Setting { .. })
    ));
    let none = Case::new(&[3, 2], 0, 0, 4, Reach::causal());
    assert!(matches!(
        run(&none, (5, 16), (5, 12)),
        Some(Error::Setting { .. })
    ));
    let bias = Case {
        bias: Some((8, 2, true)),
        ..case
    };
    assert!(matches!(
        run(&bias, (5, 16), (5, 8)),
        Some(Error::Setting { .. })
    ));
    assert!(Spans::from_lengths(&[]).is_err());
}

#[test]
fn caches_that_are_too_short_are_refused() {
    let how = Case::new(&[1], 2, 1, 4, Reach::causal()).how;
    let (q, spans) = (Mat::zeros(1, 8), Spans::single(1).unwrap());
    let run = |held: usize, length: usize, row: usize| {
        let numbers = vec![0.0; held];
        let cached = Cached {
            keys: &numbers,
            values: &numbers,
            length,
            row,
        };
        attention_cached(Isa::chosen(), &q, 0, &spans, &[cached], &how, None).is_ok()
    };
    assert!(run(14, 3, 5));
    assert!(!run(13, 3, 5));
    assert!(!run(14, 0, 5));
    assert!(!run(14, 3, 3));
    assert!(!run(14, usize::MAX, 5));
    assert!(attention_cached(Isa::chosen(), &q, 1, &spans, &[], &how, None).is_err());
    assert!(attention_cached(Isa::chosen(), &q, 0, &spans, &[], &how, None).is_err());
}
