//! The advice as text for a person: the matrix, the factors, the groups, and how sure it is.

use std::fmt::{self, Write};

use super::answer::{Advice, PartAgreement};
use super::factors::{Factors, Over};
use super::matrix::Pairwise;

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prediction = &self.prediction;
        writeln!(
            f,
            "{} runs, {} looks ({})",
            self.runs,
            self.looks,
            self.cost()
        )?;
        writeln!(
            f,
            "\nforeseen gain of the row when trained with the column, in steps of its own:"
        )?;
        let spread = |a: usize, b: usize| prediction.spread[a][b].map(|s| format!("±{s:.2}"));
        write!(f, "{}", matrix(&prediction.matrix, &spread))?;
        writeln!(f, "\nlook-ahead affinity, over the task's own:")?;
        write!(f, "{}", matrix(&prediction.affinity, &|_, _| None))?;
        writeln!(f, "\nagreement of gradients:")?;
        write!(f, "{}", matrix(&prediction.agreement, &|_, _| None))?;
        write!(f, "{}", parts(&prediction.matrix.tasks, &self.parts))?;
        write!(f, "{}", factors(&self.factors))?;
        writeln!(
            f,
            "\nproposed belts (mean foreseen gain {:+.3}):",
            prediction.gain
        )?;
        for group in &prediction.groups {
            let alone = if group.len() == 1 { " (alone)" } else { "" };
            writeln!(f, "  {}{alone}", group.join(" + "))?;
        }
        match prediction.certainty {
            Some(share) => writeln!(
                f,
                "the same belts win in {:.0}% of {} draws",
                100.0 * share,
                self.draws
            )?,
            None => writeln!(f, "how sure that is, cannot be said")?,
        }
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(f, "note: {warning}"))
    }
}

impl Advice {
    fn cost(&self) -> String {
        let share = self
            .look_share
            .map(|share| format!(", {:.1}% of the time", 100.0 * share));
        format!("{:.1} s{}", self.look_seconds, share.unwrap_or_default())
    }
}

/// Columns of equal width, names cut where they are long.
fn matrix(matrix: &Pairwise, beside: &dyn Fn(usize, usize) -> Option<String>) -> String {
    let mut text = format!("  {:<14}", "");
    for name in &matrix.tasks {
        let _infallible = write!(text, " {:>14}", short(name));
    }
    for (task, name) in matrix.tasks.iter().enumerate() {
        let _infallible = write!(text, "\n  {:<14}", short(name));
        for partner in 0..matrix.tasks.len() {
            let cell = match matrix.at(task, partner) {
                Some(value) => format!("{value:+.3}{}", beside(task, partner).unwrap_or_default()),
                None => "-".into(),
            };
            let _infallible = write!(text, " {cell:>14}");
        }
    }
    text + "\n"
}

/// Where in the belt pairs agree least and most, late in the runs.
fn parts(tasks: &[String], parts: &[PartAgreement]) -> String {
    let mut text = String::new();
    if parts.len() < 2 {
        return text;
    }
    text += "\nwhere gradients agree least and most, late in the runs:\n";
    let pairs = (0..tasks.len()).flat_map(|a| (a + 1..tasks.len()).map(move |b| (a, b)));
    for (pair, (a, b)) in pairs.enumerate() {
        let known = parts
            .iter()
            .filter_map(|part| Some((part.late[pair]?, part)));
        let mut known: Vec<_> = known.collect();
        known.sort_by(|x, y| x.0.total_cmp(&y.0));
        if let (Some((low, at)), Some((high, there))) = (known.first(), known.last()) {
            let _infallible = writeln!(
                text,
                "  {} and {}: {low:+.2} in {} {}, {high:+.2} in {} {}",
                tasks[a], tasks[b], at.layer, at.site, there.layer, there.site
            );
        }
    }
    text
}

fn factors(all: &[Factors]) -> String {
    let mut text = format!(
        "\n  {:<14} {:>8} {:>10} {:>10} {:>12} {:>15} {:>9} {:>12}\n",
        "task",
        "rows",
        "tokens",
        "stability",
        "architecture",
        "complementarity",
        "asymmetry",
        "data quality"
    );
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let mut single = false;
    for one in all {
        single |= one
            .stability
            .is_some_and(|stability| stability.over == Over::Evaluations);
        let _infallible = writeln!(
            text,
            "  {:<14} {:>8} {:>10} {:>10} {:>12} {:>15} {:>9} {:>12}",
            short(&one.task),
            one.rows,
            one.tokens,
            shown(one.stability.map(|stability| stability.value)),
            shown(one.architecture),
            shown(one.complementarity),
            shown(one.asymmetry),
            shown(one.data_quality)
        );
    }
    if single {
        text += "  (stability over the later evaluations of one run, not over seeds)\n";
    }
    text
}

fn short(name: &str) -> String {
    name.chars().take(14).collect()
}
