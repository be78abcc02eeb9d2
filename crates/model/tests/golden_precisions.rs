//! Golden bases in every precision: nf4 and bf16 give the very bits of the f32 engine run on the
//! numbers that they stand for, int8 stays close to f32, and what is learnt on them follows f32.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod golden_root;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use golden_root::golden_root;
use skillbelt_engine::ops::Map;
use skillbelt_engine::{Mat, Pass, Precision, Weight};
use skillbelt_model::base::{Batch, Network, Purpose, open};

/// Folders of golden bases.
fn bases() -> Vec<PathBuf> {
    let entries = fs_err::read_dir(golden_root()).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("golden.safetensors").exists());
    folders.sort();
    assert!(!folders.is_empty(), "no golden base");
    folders
}

fn network(folder: &Path, precision: Precision) -> Box<dyn Network> {
    open(folder, Purpose::frozen(precision)).unwrap().network
}

/// Hidden states of three texts, through the encoder of those that have two halves.
fn hidden(network: &dyn Network) -> Mat {
    let vocabulary = network.sizes().vocabulary as u32;
    let text = |length: u32, step: u32| -> Vec<u32> {
        (0..length)
            .map(|i| 5 + i * step % (vocabulary - 5))
            .collect()
    };
    let batch = Batch::pack(&[text(9, 7), text(1, 3), text(33, 11)]).unwrap();
    network
        .hidden(&Pass::inference(), &batch, None)
        .unwrap()
        .into_mat()
}

/// Replaces every linear map by an f32 one of the numbers that it stands for.
fn widen(network: &mut dyn Network) {
    for linear in network.linears_mut().unwrap() {
        if let Map::Frozen(weight) = &linear.map {
            let (n, k) = (weight.outputs(), weight.inputs());
            let numbers = weight.dequantised();
            linear.map = Map::Frozen(Arc::new(Weight::pack(Precision::F32, n, k, &numbers)));
        }
    }
}

fn cosine(a: &Mat, b: &Mat) -> f64 {
    let dot = |a: &Mat, b: &Mat| -> f64 {
        let numbers = a.data().iter().zip(b.data());
        numbers.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn golden_bases_in_nf4_and_bf16_equal_f32_on_the_numbers_they_stand_for() {
    for folder in bases() {
        for precision in [Precision::Nf4, Precision::Bf16] {
            let mut network = network(&folder, precision);
            let packed = hidden(&*network);
            widen(&mut *network);
            let wide = hidden(&*network);
            assert!(packed == wide, "{} in {precision}", folder.display());
        }
    }
}

#[test]
fn golden_bases_in_every_precision_stay_near_f32_and_differ_from_it() {
    for folder in bases() {
        let exact = hidden(&*network(&folder, Precision::F32));
        // Random weights of a width of 64 are the worst case: nothing averages out.
        let bounds = [
            (Precision::Bf16, 0.9999),
            (Precision::Int8, 0.99),
            (Precision::Nf4, 0.85),
        ];
        for (precision, bound) in bounds {
            let found = cosine(&hidden(&*network(&folder, precision)), &exact);
            assert!(
                found >= bound,
                "{} in {precision}: {found}",
                folder.display()
            );
            assert!(
                found < 1.0 - 1e-9,
                "{} in {precision} is f32",
                folder.display()
            );
        }
    }
}
