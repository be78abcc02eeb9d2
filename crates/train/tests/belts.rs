//! Belts on every golden base: what is saved is read back to the bit, a sequence alone gives what it
//! gives in the batch, and recomputing blocks changes no bit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(
    dead_code,
    reason = "shared with the golden tests, which use all of it"
)]
mod golden_files;
#[allow(
    dead_code,
    reason = "shared with the golden tests, which use all of it"
)]
mod golden_oracle;

use std::sync::Arc;

use golden_files::{Reference, bases};
use golden_oracle::{gradients, outputs};
use skillbelt_engine::ops::Map;
use skillbelt_engine::{Mat, Pass, Precision, Weight};
use skillbelt_model::base::{self, Base, Purpose};
use skillbelt_model::belt::{Belt, BeltPlan, LoraConfig, Targets, TaskLoraConfig};

fn open(folder: &std::path::Path, precision: Precision) -> Base {
    base::open(folder, Purpose::frozen(precision)).unwrap()
}

/// LoRA and DoRA on all linear maps.
fn plans() -> [BeltPlan; 2] {
    [false, true].map(|dora| {
        BeltPlan::Lora(LoraConfig {
            rank: 3,
            dora,
            targets: Targets::AllLinear,
            ..LoraConfig::default()
        })
    })
}

/// Moves every number a little off where a fresh belt starts, so that B is not zero.
fn stir(belt: &Belt) {
    for (place, param) in belt.params().iter().enumerate() {
        param.update(|mat| {
            for (i, x) in mat.data_mut().iter_mut().enumerate() {
                *x += 0.02 * ((i * 7 + place * 3) as f32).sin();
            }
        });
    }
}

#[test]
fn gradients_of_belts_survive_recomputation_on_int8_and_nf4_bases() {
    for folder in bases() {
        let reference = Reference::read(&folder).unwrap();
        for (plan, precision) in plans().iter().flat_map(|plan| QUANTISED.map(|p| (plan, p))) {
            let mut base = open(&folder, precision);
            let belt = Belt::fresh(&mut *base.network, plan, 7).unwrap();
            stir(&belt);
            let run = |recompute: bool| {
                let pass = Pass::recording().with_recompute(recompute);
                gradients(&*base.network, &reference, pass).unwrap()
            };
            let ((loss, kept), (again, recomputed)) = (run(false), run(true));
            assert_eq!(loss.to_bits(), again.to_bits());
            for param in belt.params() {
                assert!(kept.get(param).is_some() && kept.get(param) == recomputed.get(param));
            }
        }
    }
}

const QUANTISED: [Precision; 2] = [Precision::Int8, Precision::Nf4];

/// All gradients of a belt in one row, on the base as it is held or on the same numbers in f32.
fn all_gradients(
    folder: &std::path::Path,
    plan: &BeltPlan,
    precision: Precision,
    widened: bool,
) -> Vec<f64> {
    let mut base = open(folder, precision);
    for linear in base.network.linears_mut().unwrap() {
        if let Map::Frozen(weight) = &linear.map
            && widened
        {
            let (n, k, rows) = (weight.outputs(), weight.inputs(), weight.dequantised());
            linear.map = Map::Frozen(Arc::new(Weight::pack(Precision::F32, n, k, &rows)));
        }
    }
    let belt = Belt::fresh(&mut *base.network, plan, 7).unwrap();
    stir(&belt);
    let reference = Reference::read(folder).unwrap();
    let (_, grads) = gradients(&*base.network, &reference, Pass::recording()).unwrap();
    let of = |param| grads.get(param).unwrap().data().to_vec();
    belt.params().iter().flat_map(of).map(f64::from).collect()
}

/// nf4 products are products with the dequantised numbers; int8 also rounds what flows through.
/// Measured for int8: 0.004 to 0.026, but 0.15 to 0.29 on the T5 bases, whether or not the belt has
/// a magnitude: T5 does not divide its scores by the root of the head width, so the random weights of
/// these bases make its attention sharp, and rounding moves it. The same rounding modelled in torch is
/// off by 0.16 and 0.21 there, by 0.013 if only the way back is rounded, and by 0.07 and 0.04 once the
/// queries are divided by that root.
#[test]
fn gradients_on_quantised_bases_are_those_of_the_dequantised_weights() {
    for folder in bases() {
        let t5 = open(&folder, Precision::F32).network.family() == "t5";
        let int8 = if t5 { 0.35 } else { 0.05 };
        for plan in plans() {
            for (precision, tolerance) in [(Precision::Nf4, 1e-6), (Precision::Int8, int8)] {
                let found = all_gradients(&folder, &plan, precision, false);
                let expected = all_gradients(&folder, &plan, precision, true);
                let pairs = found.iter().zip(&expected);
                let off: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
                let size: f64 = expected.iter().map(|x| x.powi(2)).sum();
                let relative = (off / size).sqrt();
                assert!(
                    relative < tolerance,
                    "{} {precision}: {relative}",
                    folder.display()
                );
            }
        }
    }
}

#[test]
fn a_sequence_alone_gives_the_bits_that_it_gives_in_the_batch() {
    for folder in bases() {
        let reference = Reference::read(&folder).unwrap();
        for plan in plans() {
            let mut base = open(&folder, Precision::Nf4);
            stir(&Belt::fresh(&mut *base.network, &plan, 7).unwrap());
            let packed = outputs(&*base.network, &reference).unwrap();
            let mut starts = vec![0; packed.len()];
            for place in 0..reference.inputs.len() {
                let alone = outputs(&*base.network, &reference.only(place)).unwrap();
                for (((_, alone), (_, packed)), start) in alone.iter().zip(&packed).zip(&mut starts)
                {
                    assert!(&packed.data()[*start..*start + alone.len()] == alone.data());
                    *start += alone.len();
                }
            }
        }
    }
}

#[test]
fn a_task_aware_belt_is_read_back_reaches_one_task_and_survives_recomputation() {
    for folder in bases() {
        let reference = Reference::read(&folder).unwrap();
        let plan = BeltPlan::TaskLora(TaskLoraConfig {
            rank: 3,
            projections: 2,
            tasks: vec!["defect".into(), "search".into()],
            ..TaskLoraConfig::default()
        });
        let mut base = open(&folder, Precision::F32);
        let belt = Belt::fresh(&mut *base.network, &plan, 7).unwrap();
        stir(&belt);
        let run = |base: &Base, recompute: bool| {
            let pass = Pass::recording().with_task(1).with_recompute(recompute);
            gradients(&*base.network, &reference, pass).unwrap()
        };
        let ((loss, kept), (again, recomputed)) = (run(&base, false), run(&base, true));
        assert_eq!(loss.to_bits(), again.to_bits());
        let mut reached: Vec<&str> = Vec::new();
        for param in belt.params() {
            assert!(kept.get(param) == recomputed.get(param));
            reached.extend(kept.get(param).map(|_: &Mat| param.name()));
        }
        let other = |name: &&str| name.ends_with(".turn.0") || name.ends_with(".mix.0");
        assert!(!reached.iter().any(other));
        assert!(reached.iter().any(|name| name.ends_with(".mix.1")));
        assert!(gradients(&*base.network, &reference, Pass::recording()).is_err());
        let saved = tempfile::tempdir().unwrap();
        belt.save(saved.path()).unwrap();
        let mut second = open(&folder, Precision::F32);
        let read = Belt::attach(saved.path(), &mut *second.network, true).unwrap();
        assert_eq!(
            (read.kind_name(), read.count()),
            ("task_lora", belt.count())
        );
        assert_eq!(run(&second, false).0.to_bits(), loss.to_bits());
    }
}

#[test]
fn full_fine_tuning_is_read_back_to_the_bit_and_refuses_a_frozen_base() {
    for folder in bases() {
        let reference = Reference::read(&folder).unwrap();
        let mut base = base::open(&folder, Purpose::full()).unwrap();
        let belt = Belt::fresh(&mut *base.network, &BeltPlan::Full, 0).unwrap();
        stir(&belt);
        let saved = tempfile::tempdir().unwrap();
        belt.save(saved.path()).unwrap();
        let mut second = base::open(&folder, Purpose::full()).unwrap();
        Belt::attach(saved.path(), &mut *second.network, true).unwrap();
        assert!(
            outputs(&*base.network, &reference).unwrap()
                == outputs(&*second.network, &reference).unwrap()
        );
        // With the base's configuration beside it, the folder is a base.
        fs_err::copy(folder.join("config.json"), saved.path().join("config.json")).unwrap();
        let third = open(saved.path(), Precision::F32);
        assert_eq!(third.network.sizes(), base.network.sizes());
        let mut frozen = open(&folder, Precision::F32);
        assert!(Belt::attach(saved.path(), &mut *frozen.network, true).is_err());
    }
}
