//! A report as a person reads it: per task what was read, what is long, what stands twice, and what
//! may be done about it.

use std::fmt::{self, Write};

use super::report::{Lengths, Pairing, Report, SplitReport, TaskReport};

/// Labels that are listed; a task may have thousands of classes.
const LABELS: usize = 8;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, task)) in self.tasks.iter().enumerate() {
            if number > 0 {
                f.write_char('\n')?;
            }
            writeln!(f, "task {name}")?;
            task.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, split) in &self.splits {
            rows(f, name, split)?;
        }
        for (name, split) in &self.splits {
            labels(f, name, split)?;
        }
        writeln!(
            f,
            "\n  lengths in {:<7} {:>9} {:>7} {:>7} {:>7} {:>8}",
            self.unit, "median", "90%", "99%", "longest", "limit"
        )?;
        for (name, split) in &self.splits {
            for (what, lengths) in &split.lengths {
                length_row(f, name, what, lengths)?;
            }
        }
        histogram(f, self)?;
        writeln!(f, "\n  the same twice")?;
        for (name, split) in &self.splits {
            within(f, name, split)?;
        }
        for pairing in &self.across {
            across(f, pairing)?;
        }
        self.hints(f)
    }
}

fn rows(f: &mut fmt::Formatter<'_>, name: &str, split: &SplitReport) -> fmt::Result {
    let candidates = match split.candidates {
        0 => String::new(),
        count => format!(", {count} candidates"),
    };
    writeln!(
        f,
        "  {name:<6} {:>8} rows used{candidates}, {} rejected",
        split.used,
        split.rejections()
    )?;
    for (reason, refused) in &split.rejected {
        writeln!(f, "         {:>8} {reason}", refused.count)?;
        for example in &refused.examples {
            writeln!(f, "                  {example}")?;
        }
    }
    Ok(())
}

fn labels(f: &mut fmt::Formatter<'_>, name: &str, split: &SplitReport) -> fmt::Result {
    if split.labels.is_empty() {
        return Ok(());
    }
    let shown = split.labels.iter().take(LABELS).map(|(label, count)| {
        format!(
            "{label}: {count} ({:.1}%)",
            100.0 * *count as f64 / split.used.max(1) as f64
        )
    });
    let more = match split.labels.len().saturating_sub(LABELS) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    writeln!(
        f,
        "  labels of {name:<6} {}{more}",
        shown.collect::<Vec<_>>().join(", ")
    )
}

fn length_row(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    what: &str,
    lengths: &Lengths,
) -> fmt::Result {
    write!(
        f,
        "    {name:<6} {what:<10} {:>9} {:>7} {:>7} {:>7}",
        lengths.median, lengths.p90, lengths.p99, lengths.longest
    )?;
    match lengths.limit {
        Some(limit) => writeln!(
            f,
            " {limit:>8}, which cuts {:.1}% of the texts and {:.1}% of the tokens",
            100.0 * lengths.cut_rows,
            100.0 * lengths.cut_tokens
        ),
        None => writeln!(f, " {:>8}", "-"),
    }
}

/// Bars of the first split, the one that is learnt from.
fn histogram(f: &mut fmt::Formatter<'_>, task: &TaskReport) -> fmt::Result {
    let Some((name, split)) = task.splits.first() else {
        return Ok(());
    };
    for (what, lengths) in &split.lengths {
        writeln!(f, "\n  {what} of {name}, up to so many {}", task.unit)?;
        let most = lengths.histogram.values().max().copied().unwrap_or(1);
        for (bound, count) in &lengths.histogram {
            let bar = "#".repeat((40 * count).div_ceil(most) as usize);
            writeln!(f, "    {bound:>8} {count:>8} {bar}")?;
        }
    }
    Ok(())
}

fn within(f: &mut fmt::Formatter<'_>, name: &str, split: &SplitReport) -> fmt::Result {
    writeln!(
        f,
        "    in {name:<15} {:>7} rows equal, {:>7} texts nearly equal, {:>6} ids given again",
        split.duplicates, split.near, split.duplicate_ids
    )?;
    examples(f, "equal", &split.duplicate_examples)?;
    examples(f, "nearly", &split.near_examples)?;
    for example in &split.duplicate_id_examples {
        writeln!(f, "        id      {example}")?;
    }
    Ok(())
}

fn across(f: &mut fmt::Formatter<'_>, pairing: &Pairing) -> fmt::Result {
    let both = format!("{} and {}", pairing.first, pairing.second);
    writeln!(
        f,
        "    {both:<18} {:>7} rows equal, {:>7} texts nearly equal, {:>6} parts shared",
        pairing.rows, pairing.near, pairing.parts
    )?;
    examples(f, "equal", &pairing.row_examples)?;
    examples(f, "part", &pairing.part_examples)?;
    examples(f, "nearly", &pairing.near_examples)
}

fn examples(f: &mut fmt::Formatter<'_>, word: &str, examples: &[[String; 2]]) -> fmt::Result {
    for [first, second] in examples {
        writeln!(f, "        {word:<7} {first}, {second}")?;
    }
    Ok(())
}

impl TaskReport {
    fn hints(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conflicts.contents > 0 {
            writeln!(
                f,
                "\n  {} contents have several labels",
                self.conflicts.contents
            )?;
            for example in &self.conflicts.examples {
                writeln!(f, "        {example}")?;
            }
        }
        if let Some(groups) = &self.groups {
            let from = if groups.declared {
                ""
            } else {
                " (found by a usual name; `group` in the field map names another field, or nothing)"
            };
            writeln!(
                f,
                "\n  {} groups, {} of them in several splits{from}",
                groups.groups, groups.crossing
            )?;
            for example in &groups.examples {
                writeln!(f, "        {example}")?;
            }
        }
        if self.not_compared > 0 {
            writeln!(
                f,
                "\n  {} texts were not compared for near duplicates: too many to hold",
                self.not_compared
            )?;
        }
        let leaks = self
            .across
            .iter()
            .any(|pairing| pairing.rows + pairing.parts + pairing.near > 0);
        if leaks
            || self
                .groups
                .as_ref()
                .is_some_and(|groups| groups.crossing > 0)
        {
            writeln!(
                f,
                "\n  hint: what stands in two splits makes scores too good; split by group, not by row"
            )?;
        }
        if self.conflicts.contents > 0 {
            writeln!(
                f,
                "  hint: no model can be right about equal texts with different labels; remove or relabel them"
            )?;
        }
        Ok(())
    }
}
