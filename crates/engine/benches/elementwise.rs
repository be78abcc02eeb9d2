//! Gigabytes a second of the operations that only stream numbers, beside a plain copy.
//!
//! `cargo bench -p skillbelt-engine --bench elementwise`; all cores, medians. Bytes are those that
//! an operation cannot avoid: each matrix that it reads or writes, once. It judges nothing.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use skillbelt_engine::ops::{
    Activation, Columns, Norm, NormKind, activation, dropout, gated, norm,
};
use skillbelt_engine::{Grads, Isa, Mat, Param, Pass, Result, Var, backward_from};

const SHAPES: [(usize, usize); 3] = [(2048, 768), (2048, 3072), (512, 4864)];
const ROUNDS: usize = 25;

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for (t, c) in SHAPES {
        let x = wave(t, c);
        let size = (4 * t * c) as f64;
        let mut copy = Mat::zeros(t, c);
        let seconds = median(|| {
            let pieces = copy.data_mut().par_chunks_mut(1 << 14);
            pieces
                .zip(x.data().par_chunks(1 << 14))
                .for_each(|(to, from)| to.copy_from_slice(from));
            black_box(&copy);
        });
        line(&mut out, (t, c), "copy", 2.0 * size / seconds);
        for isa in Isa::available() {
            measure(&mut out, isa, &x)?;
        }
    }
    Ok(())
}

fn measure(out: &mut impl std::io::Write, isa: Isa, x: &Mat) -> Result<()> {
    let (t, c) = x.shape();
    let param = Param::trained("x", x.clone());
    let other = Param::trained("other", x.clone());
    let flat = |name: &str| Param::frozen(name, Mat::from_vec(1, c, vec![0.9; c]));
    let layer = |kind| Norm {
        name: "norm".into(),
        weight: flat("weight"),
        bias: (kind == NormKind::Layer).then(|| flat("bias")),
        kind,
        eps: 1e-5,
    };
    let (centred, rms) = (layer(NormKind::Layer), layer(NormKind::Rms));
    type Run<'a> = Box<dyn Fn(&Pass) -> Result<Var> + 'a>;
    let runs: [(&str, f64, f64, Run<'_>); 6] = [
        (
            "layer norm",
            2.0,
            3.0,
            Box::new(|pass| norm(pass, &pass.leaf(&param), &centred)),
        ),
        (
            "rms norm",
            2.0,
            3.0,
            Box::new(|pass| norm(pass, &pass.leaf(&param), &rms)),
        ),
        (
            "gelu",
            2.0,
            3.0,
            Box::new(|pass| activation(pass, &pass.leaf(&param), Activation::Gelu)),
        ),
        (
            "silu",
            2.0,
            3.0,
            Box::new(|pass| activation(pass, &pass.leaf(&param), Activation::Silu)),
        ),
        (
            "dropout",
            2.0,
            2.0,
            Box::new(|pass| dropout(pass, &pass.leaf(&param), 0.1, "place")),
        ),
        (
            "gated silu",
            3.0,
            5.0,
            Box::new(|pass| {
                let (gate, up) = (pass.leaf(&param), pass.leaf(&other));
                gated(
                    pass,
                    Columns::all(&gate),
                    Columns::all(&up),
                    c,
                    Activation::Silu,
                )
            }),
        ),
    ];
    for (name, forth, back, run) in runs {
        let size = (4 * t * c) as f64;
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let pass = Pass::training(1, 1).with_isa(isa);
            let start = Instant::now();
            let y = run(&pass)?;
            forward.push(start.elapsed().as_secs_f64());
            let dy = x.clone();
            let mut grads = Grads::new();
            let start = Instant::now();
            backward_from(&y, dy, &mut grads)?;
            backward.push(start.elapsed().as_secs_f64());
            black_box(&grads);
        }
        let label = format!("{name} {}", isa.name());
        line(out, (t, c), &label, forth * size / middle(forward));
        line(
            out,
            (t, c),
            &format!("{label} back"),
            back * size / middle(backward),
        );
    }
    Ok(())
}

fn wave(t: usize, c: usize) -> Mat {
    let data = (0..t * c).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
    Mat::from_vec(t, c, data)
}

fn median(mut run: impl FnMut()) -> f64 {
    let seconds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    middle(seconds.collect())
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn line(out: &mut impl std::io::Write, (t, c): (usize, usize), what: &str, rate: f64) {
    // A reader that went away is no reason to fail.
    let _ = writeln!(out, "{t:5} x {c:<5} {what:28} {:7.1} GB/s", rate / 1e9);
}
