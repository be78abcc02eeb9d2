//! What came out, in a line for each task: the belt for all tasks beside one for the task alone, both
//! before the first step, and words alone. Every number and every p stands in the study's results;
//! here they are only found.

use skillbelt_train::study::results::{Comparison, Interval, Mean, Results};

use super::plan::{BELT, WORDS};

/// A difference is one below this p, after Holm, as on the page.
const SURE: f64 = 0.05;

/// A task as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub task: String,
    pub measure: String,
    pub rows: Option<u64>,
    pub together: Option<f64>,
    pub interval: Option<Interval>,
    pub alone: Option<f64>,
    pub untrained: Option<f64>,
    pub words: Option<f64>,
    pub against_alone: Worth,
    pub against_untrained: Worth,
    pub against_words: Worth,
}

/// What a difference is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    Better,
    Worse,
    /// Within what chance does, or not measured.
    Unclear,
}

/// One for each task, in the order of the plan.
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let all = results.study.tasks.len();
    let tables = &results.tables;
    let tasks = results.study.tasks.iter();
    tasks
        .map(|facts| {
            let task = facts.name.as_str();
            let mean = |arm: &str, belt: &str| {
                let is = |mean: &&Mean| {
                    mean.task == task && mean.belt == belt && mean.arms.iter().any(|it| it == arm)
                };
                tables.means.iter().find(is)
            };
            let value = |arm: &str, belt: &str| mean(arm, belt).map(|mean| mean.mean);
            let worth = |rows: &[Comparison]| {
                let is = |row: &&Comparison| row.task == task && row.a.tasks.len() == all;
                rows.iter()
                    .find(is)
                    .map_or(Worth::Unclear, |row| worth(row, facts.rises))
            };
            Verdict {
                task: task.to_owned(),
                measure: facts.measure.clone(),
                rows: facts.test_examples,
                together: value("multi", BELT),
                interval: mean("multi", BELT).and_then(|mean| mean.interval),
                alone: value("single", BELT),
                untrained: value("untrained", BELT),
                words: value("prompted", WORDS),
                against_alone: worth(&tables.multi_minus_single),
                against_untrained: worth(&tables.trained_minus_untrained),
                against_words: worth(&tables.belt_minus_prompted),
            }
        })
        .collect()
}

fn worth(row: &Comparison, rises: bool) -> Worth {
    let sure = row.interval.is_some() && row.p_holm.is_some_and(|p| p < SURE);
    match (sure, (row.difference > 0.0) == rises) {
        (false, _) => Worth::Unclear,
        (true, true) => Worth::Better,
        (true, false) => Worth::Worse,
    }
}

/// `better on 2 (search, clone), worse on 1 (generate), no clear difference on 2 (..)`.
pub fn told(verdicts: &[Verdict], of: impl Fn(&Verdict) -> Worth) -> String {
    let part = |worth: Worth, words: &str| {
        let of_them = verdicts.iter().filter(|verdict| of(verdict) == worth);
        let names: Vec<&str> = of_them.map(|verdict| verdict.task.as_str()).collect();
        let told = format!("{words} on {} ({})", names.len(), names.join(", "));
        (!names.is_empty()).then_some(told)
    };
    let parts = [
        part(Worth::Better, "better"),
        part(Worth::Worse, "worse"),
        part(Worth::Unclear, "no clear difference"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_train::study::results::Side;

    fn row(difference: f64, p: f64) -> Comparison {
        let side = |belt: &str| Side {
            base: None,
            belt: belt.into(),
            arms: vec![],
            tasks: vec!["search".into()],
        };
        Comparison {
            task: "search".into(),
            base: "base".into(),
            a: side(BELT),
            b: side(WORDS),
            partner: None,
            difference,
            interval: Some(Interval {
                low: 0.0,
                high: 1.0,
            }),
            p: Some(p),
            p_holm: Some(p),
            seeds: vec![],
        }
    }

    #[test]
    fn a_difference_counts_only_where_it_is_sure_and_in_the_direction_of_its_measure() {
        assert_eq!(worth(&row(0.1, 0.01), true), Worth::Better);
        assert_eq!(worth(&row(0.1, 0.01), false), Worth::Worse);
        assert_eq!(worth(&row(-0.1, 0.01), true), Worth::Worse);
        assert_eq!(worth(&row(0.1, 0.06), true), Worth::Unclear);
        let mut unsure = row(0.1, 0.01);
        unsure.interval = None;
        assert_eq!(worth(&unsure, true), Worth::Unclear);
    }
}
