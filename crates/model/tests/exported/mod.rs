//! Exports made and opened again apart from the export's own check, for the tests that compare them.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use skillbelt_engine::{Mat, Pass, Precision};
use skillbelt_model::base::{self, Batch, Network, Purpose, Shape, logits};
use skillbelt_model::belt::Belt;
use skillbelt_model::export::{self, Dtype, Form, MAX_SHARD_BYTES, Order, Report};

pub const FROZEN: Purpose = Purpose {
    precision: Precision::F32,
    trained: false,
};

pub fn order(base: &Path, belt: Option<PathBuf>, form: Form, out: PathBuf) -> Order {
    Order {
        belt,
        base: base.to_owned(),
        form,
        out,
        dtype: Dtype::F32,
        force: false,
        shard_bytes: MAX_SHARD_BYTES,
    }
}

/// The base of a folder with a belt on it.
pub fn network(base: &Path, belt: Option<&Path>) -> Box<dyn Network> {
    let mut network = base::open(base, FROZEN).unwrap().network;
    if let Some(belt) = belt {
        Belt::attach(belt, &mut *network, false).unwrap();
    }
    network
}

/// Logits of three texts of at most twelve tokens (the smallest window of the golden families), or
/// hidden states where `bare`.
pub fn said(network: &dyn Network, bare: bool) -> Mat {
    let text =
        |length: u32, step: u32| -> Vec<u32> { (0..length).map(|i| 5 + i * step % 500).collect() };
    let batch = Batch::pack(&[text(12, 7), text(1, 3), text(9, 11)]).unwrap();
    let pass = Pass::inference();
    let mut hidden = network.hidden(&pass, &batch, None).unwrap();
    if network.shape() == Shape::EncoderDecoder {
        hidden = network
            .decode(&pass, &hidden, &batch.spans, &batch, None)
            .unwrap();
    }
    if bare {
        return hidden.into_mat();
    }
    let rows: Vec<usize> = (0..hidden.rows()).collect();
    logits(network, &pass, &hidden, &rows).unwrap()
}

/// The largest difference as a share of the largest number.
pub fn apart(a: &Mat, b: &Mat) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let largest = a.data().iter().fold(0f32, |most, n| n.abs().max(most));
    let pairs = a.data().iter().zip(b.data());
    let differences = pairs.map(|(a, b)| {
        if a.is_nan() || b.is_nan() {
            f32::NAN
        } else {
            (a - b).abs()
        }
    });
    differences.fold(0f32, |most, n| {
        if n.is_nan() {
            f32::INFINITY
        } else {
            n.max(most)
        }
    }) / largest
}

/// Sums in another order than the two paths take; the bar is that of the issue.
pub const SAME: f32 = 2e-5;

pub fn made(order: &Order) -> Report {
    export::export(order).unwrap_or_else(|error| panic!("{}: {error}", order.base.display()))
}
