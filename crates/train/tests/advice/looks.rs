//! Looks at three tasks whose losses are known in closed form: two that want nearly the same of the
//! belt, and one that wants the opposite.

use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Mat, Param};
use skillbelt_train::advise::line::Look;
use skillbelt_train::advise::look::{Source, look};
use skillbelt_train::error::{Error, Result};

const WIDTH: usize = 50;

/// Losses `sum (w - goal)^2` over two parameters in two layers.
pub struct Wells {
    belt: Vec<Param>,
    goals: Vec<Vec<f32>>,
    /// A task whose loss cannot be told once the belt has moved.
    breaks: bool,
}

impl Wells {
    pub fn new() -> Wells {
        let stream = Stream::new(4, 0, "wells");
        let goal: Vec<f32> = (0..2 * WIDTH as u64).map(|i| stream.normal(i)).collect();
        let near = goal
            .iter()
            .zip(0u64..)
            .map(|(x, i)| x + 0.2 * stream.normal(1000 + i));
        let near = near.collect();
        let against = goal.iter().map(|x| -x).collect();
        let zeros = || Mat::zeros(1, WIDTH);
        Wells {
            belt: vec![
                Param::trained(
                    "encoder.layer.0.attention.self.query.lora_A.weight",
                    zeros(),
                ),
                Param::trained("encoder.layer.1.output.dense.lora_A.weight", zeros()),
            ],
            goals: vec![goal, near, against],
            breaks: false,
        }
    }

    fn numbers(&self) -> Vec<f32> {
        self.belt
            .iter()
            .flat_map(|param| param.value().data().to_vec())
            .collect()
    }

    pub fn look(&self, rate: f64) -> Look {
        look(7, &self.belt, 3, rate, self).unwrap()
    }
}

impl Source for Wells {
    fn learn(&self, task: usize, grads: &mut Grads) -> Result<()> {
        let pull = |(x, goal): (&f32, &f32)| 2.0 * (x - goal);
        let all: Vec<f32> = self
            .numbers()
            .iter()
            .zip(&self.goals[task])
            .map(pull)
            .collect();
        for (param, part) in self.belt.iter().zip(all.chunks(WIDTH)) {
            grads.add(param, Mat::row_vector(part.to_vec()));
        }
        Ok(())
    }

    fn loss(&self, task: usize) -> Result<f64> {
        let numbers = self.numbers();
        if self.breaks && numbers.iter().any(|number| *number != 0.0) {
            return Err(Error::told("broken"));
        }
        let off = |(x, goal): (&f32, &f32)| f64::from(x - goal).powi(2);
        Ok(numbers.iter().zip(&self.goals[task]).map(off).sum())
    }
}

#[test]
fn friends_agree_in_every_part_and_opponents_oppose() {
    let seen = Wells::new().look(0.01);
    for task in 0..3 {
        assert!((seen.agreement[task][task].unwrap() - 1.0).abs() < 1e-9);
        assert!(
            seen.affinity[task][task].unwrap() > 0.0,
            "a task helps itself"
        );
    }
    assert!(seen.agreement[0][1].unwrap() > 0.9);
    assert!((seen.agreement[0][2].unwrap() + 1.0).abs() < 1e-9);
    assert!(seen.affinity[0][1].unwrap() > 0.0 && seen.affinity[1][0].unwrap() > 0.0);
    assert!(seen.affinity[0][2].unwrap() < 0.0 && seen.affinity[2][1].unwrap() < 0.0);
    let places: Vec<_> = seen
        .parts
        .iter()
        .map(|part| (part.layer.as_str(), part.site.as_str()))
        .collect();
    assert_eq!(
        places,
        [("encoder.0", "attention"), ("encoder.1", "feed_forward")]
    );
    for part in &seen.parts {
        // Pairs (0,1), (0,2), (1,2).
        assert!(part.cosines[0].unwrap() > 0.9 && part.cosines[1].unwrap() < -0.99);
        assert!(part.cosines[2].unwrap() < -0.9);
    }
    let energy: f64 = seen.parts.iter().map(|part| part.energy[0].unwrap()).sum();
    assert!((energy - 1.0).abs() < 1e-12);
}

#[test]
fn affinity_is_the_share_of_the_loss_that_the_step_takes_away() {
    let (wells, rate) = (Wells::new(), 0.01);
    let seen = wells.look(rate);
    let square = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    for partner in 0..3 {
        let grad: Vec<f64> = wells.goals[partner]
            .iter()
            .map(|goal| -2.0 * f64::from(*goal))
            .collect();
        let by = rate * grad.iter().map(|g| g.abs()).sum::<f64>() / square(&grad);
        for task in 0..3 {
            let goal: Vec<f64> = wells.goals[task]
                .iter()
                .map(|goal| f64::from(*goal))
                .collect();
            let after: Vec<f64> = grad
                .iter()
                .zip(&goal)
                .map(|(g, goal)| -by * g - goal)
                .collect();
            let expected = 1.0 - square(&after) / square(&goal);
            let found = seen.affinity[task][partner].unwrap();
            assert!(
                (found - expected).abs() < 1e-6,
                "{task} {partner}: {found} {expected}"
            );
            // The control: a step along the gradient, not against it.
            let wrong: Vec<f64> = grad
                .iter()
                .zip(&goal)
                .map(|(g, goal)| by * g - goal)
                .collect();
            assert!((found - (1.0 - square(&wrong) / square(&goal))).abs() > 1e-3);
        }
    }
}

#[test]
fn the_belt_is_given_back_to_the_bit_also_where_a_loss_fails() {
    for breaks in [false, true] {
        let wells = Wells {
            breaks,
            ..Wells::new()
        };
        if !breaks {
            wells.belt[0].update(|mat| mat.data_mut()[3] = 0.1 + 0.2);
        }
        let bits =
            |wells: &Wells| -> Vec<u32> { wells.numbers().iter().map(|x| x.to_bits()).collect() };
        let before = bits(&wells);
        let seen = look(0, &wells.belt, 3, 0.5, &wells);
        assert_eq!(seen.is_err(), breaks);
        assert_eq!(bits(&wells), before);
    }
}

#[test]
fn a_task_without_a_gradient_has_no_numbers_rather_than_zeros() {
    let mut wells = Wells::new();
    wells.goals[1] = vec![0.0; 2 * WIDTH];
    let seen = wells.look(0.01);
    assert_eq!(seen.agreement[0][1], None);
    assert_eq!(seen.affinity[0][1], None, "no step was made");
    assert_eq!(seen.affinity[1][0], None, "a loss of zero has no shares");
    assert_eq!(seen.parts[0].energy[1], None);
}
