//! The end of a run in a few lines for people.

use std::fmt::Write;

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub task: String,
    pub metric: String,
    pub untrained: Option<f64>,
    /// Value and step.
    pub best: Option<(f64, u64)>,
    pub shipped: Option<f64>,
    pub test: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub rows: Vec<Row>,
    pub steps: u64,
    pub shipped: u64,
    pub policy: &'static str,
    pub seconds: f64,
    pub tokens: u64,
}

impl Summary {
    pub fn text(&self) -> String {
        let number =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        let mut table = vec![
            [
                "task",
                "metric",
                "untrained",
                "best",
                "at step",
                "shipped",
                "test",
            ]
            .map(str::to_owned),
        ];
        for row in &self.rows {
            table.push([
                row.task.clone(),
                row.metric.clone(),
                number(row.untrained),
                number(row.best.map(|(value, _)| value)),
                row.best
                    .map_or("-".to_owned(), |(_, step)| step.to_string()),
                number(row.shipped),
                number(row.test),
            ]);
        }
        let mut text = aligned(&table);
        let _infallible = write!(
            text,
            "\n{} steps, {} tokens, {:.1} s; shipped: the belt of step {} (policy: {})\n",
            self.steps, self.tokens, self.seconds, self.shipped, self.policy
        );
        text
    }
}

/// The first two columns to the left, numbers to the right.
fn aligned(table: &[[String; 7]]) -> String {
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 7] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in table {
        let cells =
            row.iter()
                .zip(widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 | 1 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
        let line: Vec<String> = cells.collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_names() {
        let summary = Summary {
            rows: vec![Row {
                task: "search".into(),
                metric: "mrr".into(),
                untrained: Some(0.25),
                best: Some((0.5, 120)),
                shipped: None,
                test: Some(1.0 / 3.0),
            }],
            steps: 200,
            shipped: 120,
            policy: "mean",
            seconds: 1.25,
            tokens: 9000,
        };
        assert_eq!(
            summary.text(),
            "task    metric  untrained    best  at step  shipped    test\n\
             search  mrr        0.2500  0.5000      120        -  0.3333\n\
             \n200 steps, 9000 tokens, 1.2 s; shipped: the belt of step 120 (policy: mean)\n"
        );
    }
}
