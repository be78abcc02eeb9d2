//! What a person sees of a run: bars on a terminal, plain lines elsewhere. It changes nothing.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use skillbelt_train::report::machine;
use skillbelt_train::watch::{Plan, Stepped, Watch};

use crate::exit::say;

/// Between plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// The watcher that suits where stderr goes.
pub fn watcher(quiet: bool) -> Box<dyn Watch> {
    match (quiet, stderr().is_terminal()) {
        (true, _) => Box::new(Warnings),
        (_, true) => Box::<Bars>::default(),
        (_, false) => Box::<Lines>::default(),
    }
}

/// What every watcher says in the same words.
fn measured(step: u64, task: &str, split: &str, measures: &[(&'static str, f64)]) -> String {
    let numbers: Vec<String> = measures
        .iter()
        .map(|(name, value)| format!("{name} {value:.4}"))
        .collect();
    format!("step {step}: {task} ({split}): {}", numbers.join(", "))
}

fn planned(plan: &Plan) -> String {
    let tasks: Vec<String> = plan
        .tasks
        .iter()
        .map(|task| format!("{} ({} rows)", task.name, task.rows))
        .collect();
    let from = match plan.first_step {
        0 => String::new(),
        step => format!(", going on after step {step}"),
    };
    format!(
        "{} numbers are trained in {} steps{from}: {}",
        plan.trained,
        plan.steps,
        tasks.join(", ")
    )
}

/// Running means and speed, for either form.
#[derive(Default)]
struct Pace {
    tasks: Vec<String>,
    losses: Vec<Option<f64>>,
    steps: u64,
    steps_per_epoch: f64,
    first_step: u64,
    tokens: u64,
    learning: Duration,
    last: Option<Instant>,
}

impl Pace {
    fn begin(&mut self, plan: &Plan) {
        *self = Pace {
            tasks: plan.tasks.iter().map(|task| task.name.clone()).collect(),
            losses: vec![None; plan.tasks.len()],
            steps: plan.steps,
            steps_per_epoch: plan.steps_per_epoch,
            first_step: plan.first_step,
            last: Some(Instant::now()),
            ..Pace::default()
        };
    }

    fn step(&mut self, step: &Stepped) {
        // A mean over about the last ten batches of the task.
        const SHARE: f64 = 0.1;
        for task in &step.tasks {
            let loss = &mut self.losses[task.task];
            *loss = Some(loss.map_or(task.loss, |old| old + SHARE * (task.loss - old)));
        }
        self.tokens += step.tokens;
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            self.learning += now - last;
        }
    }

    /// Time that was not spent on learning does not count for the speed.
    fn pause(&mut self) {
        self.last = None;
    }

    fn losses(&self) -> String {
        let known = self.tasks.iter().zip(&self.losses);
        let known = known.filter_map(|(task, loss)| Some(format!("{task} {:.4}", (*loss)?)));
        known.collect::<Vec<_>>().join(", ")
    }

    fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.learning.as_secs_f64().max(1e-9)
    }

    fn left(&self, step: u64) -> Duration {
        let done = step.saturating_sub(self.first_step).max(1);
        let each = self.learning.as_secs_f64() / done as f64;
        Duration::from_secs((each * self.steps.saturating_sub(step) as f64) as u64)
    }

    fn state(&self, step: &Stepped) -> String {
        format!(
            "lr {:.2e}, {:.0} tokens/s, {} MiB, {} left",
            step.learning_rate,
            self.tokens_per_second(),
            machine::resident_kib().unwrap_or(0) / 1024,
            clock(self.left(step.step))
        )
    }
}

/// `1:02:03`
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// One bar for the epoch, one for each task, a line for the rest.
#[derive(Default)]
struct Bars {
    pace: Pace,
    all: MultiProgress,
    epoch: Option<ProgressBar>,
    tasks: Vec<(ProgressBar, u64)>,
}

impl Bars {
    fn style(template: &str) -> ProgressStyle {
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }

    fn line(&self, text: &str) {
        // If nobody reads it, there is nobody to tell.
        let _unheard = self.all.println(text);
    }
}

impl Watch for Bars {
    fn began(&mut self, plan: &Plan) {
        self.pace.begin(plan);
        self.line(&planned(plan));
        let epoch = self
            .all
            .add(ProgressBar::new(plan.steps_per_epoch.ceil() as u64));
        epoch.set_style(Bars::style("{prefix:>16} {bar:30} {pos}/{len} {msg}"));
        self.epoch = Some(epoch);
        let width = plan
            .tasks
            .iter()
            .map(|task| task.name.chars().count())
            .max();
        for task in &plan.tasks {
            let batches = task.rows.div_ceil(task.batch_size.max(1)) as u64;
            let bar = self.all.add(ProgressBar::new(batches));
            bar.set_style(Bars::style("{prefix:>16} {bar:30} {pos}/{len} {msg}"));
            bar.set_prefix(format!("{:>w$}", task.name, w = width.unwrap_or(0)));
            self.tasks.push((bar, 0));
        }
    }

    fn stepped(&mut self, step: &Stepped) {
        self.pace.step(step);
        if let Some(bar) = &self.epoch {
            let per_epoch = self.pace.steps_per_epoch.max(1.0);
            bar.set_position((step.step as f64 % per_epoch) as u64);
            bar.set_prefix(format!("epoch {:.2}", step.epoch));
            bar.set_message(format!(
                "step {}/{}, {}",
                step.step,
                self.pace.steps,
                self.pace.state(step)
            ));
        }
        for task in &step.tasks {
            if let Some((bar, done)) = self.tasks.get_mut(task.task) {
                *done += 1;
                bar.set_position((*done - 1) % bar.length().unwrap_or(1).max(1) + 1);
                let loss = self.pace.losses[task.task].unwrap_or(task.loss);
                bar.set_message(format!("loss {loss:.4}, weight {:.3}", task.weight));
            }
        }
    }

    fn asking(&mut self, task: &str, split: &str, rows: usize) {
        self.pace.pause();
        if let Some(bar) = &self.epoch {
            bar.set_message(format!("asking {rows} {split} rows of {task}"));
        }
    }

    fn measured(&mut self, step: u64, task: &str, split: &str, measures: &[(&'static str, f64)]) {
        self.line(&measured(step, task, split, measures));
        self.pace.last = Some(Instant::now());
    }

    fn frozen(&mut self, step: u64, task: &str) {
        self.line(&format!(
            "step {step}: {task} no longer rises and leaves the mix"
        ));
    }

    fn told(&mut self, text: &str) {
        self.line(text);
    }

    fn warned(&mut self, warning: &str) {
        self.line(&format!("warning: {warning}"));
    }

    fn ended(&mut self) {
        let _uncleared = self.all.clear();
    }
}

/// A line now and then.
#[derive(Default)]
struct Lines {
    pace: Pace,
    said: Option<Instant>,
}

impl Watch for Lines {
    fn began(&mut self, plan: &Plan) {
        self.pace.begin(plan);
        say(planned(plan));
    }

    fn stepped(&mut self, step: &Stepped) {
        self.pace.step(step);
        let due = self.said.is_none_or(|said| said.elapsed() >= PLAIN_EVERY);
        if due || step.step == self.pace.steps {
            self.said = Some(Instant::now());
            say(format_args!(
                "step {}/{}, epoch {:.2}: loss {}; {}",
                step.step,
                self.pace.steps,
                step.epoch,
                self.pace.losses(),
                self.pace.state(step)
            ));
        }
    }

    fn asking(&mut self, _task: &str, _split: &str, _rows: usize) {
        self.pace.pause();
    }

    fn measured(&mut self, step: u64, task: &str, split: &str, measures: &[(&'static str, f64)]) {
        say(measured(step, task, split, measures));
        self.pace.last = Some(Instant::now());
    }

    fn frozen(&mut self, step: u64, task: &str) {
        say(format_args!(
            "step {step}: {task} no longer rises and leaves the mix"
        ));
    }

    fn told(&mut self, text: &str) {
        say(text);
    }

    fn saved(&mut self, step: u64) {
        say(format_args!("step {step}: saved"));
    }

    fn warned(&mut self, warning: &str) {
        say(format_args!("warning: {warning}"));
    }
}

/// Warnings alone.
struct Warnings;

impl Watch for Warnings {
    fn warned(&mut self, warning: &str) {
        say(format_args!("warning: {warning}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_train::watch::{PlannedTask, SteppedTask};

    #[test]
    fn losses_are_running_means_and_time_left_counts_only_learning() {
        let mut pace = Pace::default();
        pace.begin(&Plan {
            tasks: vec![PlannedTask {
                name: "search".into(),
                rows: 10,
                batch_size: 5,
            }],
            steps: 30,
            steps_per_epoch: 2.0,
            first_step: 10,
            trained: 7,
        });
        for (step, loss) in [(11, 1.0), (12, 2.0)] {
            pace.step(&Stepped {
                step,
                epoch: 0.5,
                learning_rate: 1e-3,
                grad_norm: 1.0,
                tasks: vec![SteppedTask {
                    task: 0,
                    loss,
                    weight: 1.0,
                }],
                tokens: 100,
            });
        }
        assert_eq!(pace.losses(), "search 1.1000");
        pace.learning = Duration::from_secs(8);
        assert_eq!(pace.left(12), Duration::from_secs(72));
        assert_eq!(pace.tokens_per_second(), 25.0);
        assert_eq!(clock(pace.left(12)), "1:12");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
