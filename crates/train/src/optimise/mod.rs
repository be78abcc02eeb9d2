//! Optimisers: how gradients move the trained numbers. Which gradients, and how they are weighed, is
//! decided elsewhere.

pub mod adamw;
pub mod clip;
pub mod eight_bit;
pub mod schedule;

use std::io::{self, Read, Write};

use skillbelt_engine::{Grads, Param};

use crate::recipe::{Optimiser as Kind, Training};
use adamw::{AdamW, AdamWSettings};
use eight_bit::AdamW8bit;

/// The optimiser that the recipe names.
pub enum Optimiser {
    Full(AdamW),
    Small(AdamW8bit),
}

impl AdamWSettings {
    pub fn of(training: &Training) -> AdamWSettings {
        AdamWSettings {
            beta1: training.adam_beta1 as f32,
            beta2: training.adam_beta2 as f32,
            epsilon: training.adam_epsilon as f32,
            weight_decay: training.weight_decay as f32,
        }
    }
}

impl Optimiser {
    pub fn new(training: &Training) -> Optimiser {
        let settings = AdamWSettings::of(training);
        match training.optim {
            Kind::AdamW => Optimiser::Full(AdamW::new(settings)),
            Kind::AdamW8bit => Optimiser::Small(AdamW8bit::new(settings)),
        }
    }

    /// Moves each parameter that has a gradient; to be called once per step for each group of
    /// parameters with one learning rate.
    pub fn step(&mut self, params: &[Param], grads: &Grads, learning_rate: f32) {
        match self {
            Optimiser::Full(adamw) => adamw.step(params, grads, learning_rate),
            Optimiser::Small(adamw) => adamw.step(params, grads, learning_rate),
        }
    }

    /// Writes the state of these parameters, in their order.
    pub fn write(&self, params: &[Param], out: &mut dyn Write) -> io::Result<()> {
        params.iter().try_for_each(|param| match self {
            Optimiser::Full(adamw) => adamw.write(param, out),
            Optimiser::Small(adamw) => adamw.write(param, out),
        })
    }

    /// Reads what `write` wrote for the same parameters.
    pub fn read(&mut self, params: &[Param], input: &mut dyn Read) -> io::Result<()> {
        params.iter().try_for_each(|param| match self {
            Optimiser::Full(adamw) => adamw.read(param, input),
            Optimiser::Small(adamw) => adamw.read(param, input),
        })
    }
}

/// Numbers as they stand in a checkpoint.
pub fn write_numbers(numbers: &[f32], out: &mut dyn Write) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(numbers.len().min(1 << 14) * 4);
    for piece in numbers.chunks(1 << 14) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|number| number.to_le_bytes()));
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Fills a slice with numbers as `write_numbers` wrote them.
pub fn read_numbers(numbers: &mut [f32], input: &mut dyn Read) -> io::Result<()> {
    let mut bytes = vec![0; numbers.len().min(1 << 14) * 4];
    for piece in numbers.chunks_mut(1 << 14) {
        let bytes = &mut bytes[..piece.len() * 4];
        input.read_exact(bytes)?;
        for (number, four) in piece.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        }
    }
    Ok(())
}

fn read_steps(input: &mut dyn Read) -> io::Result<i32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(i32::from_le_bytes(bytes))
}
