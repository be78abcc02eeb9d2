//! `skillbelt train`, killed: at every named point and at random moments, for each kind of belt.
//! Whatever it leaves must be, to the byte, what a run left that nobody touched.
//!
//! `SKILLBELT_KILLS=200` kills so often for each kind and at every point of each, and
//! `SKILLBELT_KILL_KINDS=lora,dora` chooses kinds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod trained;

use std::process::Stdio;
use std::time::{Duration, Instant};

use trained::{Bench, kinds};

const POINTS: [&str; 16] = [
    "after-learn",
    "after-step",
    "during-eval",
    "after-eval",
    "snapshot",
    "before-write",
    "mid-file",
    "after-file",
    "before-manifest",
    "before-rename",
    "after-rename",
    "before-remove",
    "after-save",
    "before-belt",
    "half-belt",
    "before-report",
];

/// Kills for each kind, if they are asked for.
fn asked() -> Option<u64> {
    let count = std::env::var("SKILLBELT_KILLS").ok()?;
    Some(count.parse().unwrap())
}

#[test]
fn a_run_that_is_killed_at_random_moments_leaves_the_same() {
    for (place, kind) in kinds("SKILLBELT_KILL_KINDS").into_iter().enumerate() {
        let bench = Bench::new(kind);
        let started = Instant::now();
        bench.ends_well("whole", "");
        let takes = started.elapsed();
        let whole = bench.outcome("whole");
        let (mut name, mut runs, mut struck) = ("killed-0".to_owned(), 1, 0);
        // Those that came too late are not counted.
        let mut tries = 3 * place as u64;
        while struck < asked().unwrap_or(2) {
            let mut command = bench.command(&name);
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // The golden ratio spreads moments evenly over the whole run.
            tries += 1;
            let share = (tries as f32 * 0.618_034).fract();
            std::thread::sleep(takes.mul_f32(share).max(Duration::from_millis(1)));
            child.kill().unwrap();
            struck += u64::from(!child.wait().unwrap().success());
            if bench.output(&name).join("belt").exists() {
                // Nearly or quite done: look at the end, and begin another one.
                bench.ends_well(&name, "killed");
                bench.assert_same(&name, &whole, "killed at random moments");
                bench.remove(&name);
                name = format!("killed-{runs}");
                runs += 1;
            }
        }
        bench.ends_well(&name, "killed");
        bench.assert_same(&name, &whole, "killed at random moments");
        #[allow(clippy::print_stderr, reason = "how much was proved")]
        {
            eprintln!("{}: {struck} kills over {runs} runs", kind.name);
        }
    }
}

#[test]
fn a_run_that_dies_at_any_named_point_leaves_the_same() {
    let kinds = kinds("SKILLBELT_KILL_KINDS");
    for (place, kind) in kinds.iter().enumerate() {
        let bench = Bench::new(*kind);
        bench.ends_well("whole", "");
        let whole = bench.outcome("whole");
        for (number, point) in POINTS.into_iter().enumerate() {
            // Each point once over the kinds, or all for each.
            if asked().is_none() && number % kinds.len() != place {
                continue;
            }
            let once = ["before-belt", "before-report"].contains(&point);
            let count = if once { 1 } else { 2 };
            let died = bench.run(point, |command| {
                command.env("SKILLBELT_KILL_AT", format!("{point}:{count}"));
            });
            assert_eq!(died.code, None, "{} never came by {point}", kind.name);
            bench.ends_well(point, point);
            bench.assert_same(point, &whole, point);
            bench.remove(point);
        }
    }
}
