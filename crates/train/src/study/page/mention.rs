//! How numbers, arms and sets of tasks are written for people. Numbers of measures have three digits
//! after the point, and a true minus sign.

use crate::study::facts::WORDS;
use crate::study::results::Interval;

/// `0.545`
pub fn measure(value: f64) -> String {
    signed(format!("{value:.3}"))
}

/// `+0.033`, `−0.018`
pub fn difference(value: f64) -> String {
    match format!("{value:+.3}").as_str() {
        "-0.000" | "+0.000" => "0.000".to_owned(),
        text => signed(text.to_owned()),
    }
}

/// `0.514 to 0.575`
pub fn interval(interval: &Interval) -> String {
    format!("{} to {}", measure(interval.low), measure(interval.high))
}

/// `+0.021 to +0.045`
pub fn difference_interval(interval: &Interval) -> String {
    format!(
        "{} to {}",
        difference(interval.low),
        difference(interval.high)
    )
}

/// `0.003`, `<0.001`
pub fn p(value: f64) -> String {
    match value < 0.001 {
        true => "<0.001".to_owned(),
        false => format!("{value:.3}"),
    }
}

/// With as many digits as steps of this size need.
pub fn plain(value: f64, step: f64) -> String {
    let digits = (-step.log10()).ceil().clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    let zero = text.chars().all(|sign| "-0.".contains(sign));
    signed(if zero { text.replace('-', "") } else { text })
}

/// `301 k`, `1.30 M`
pub fn short(value: f64) -> String {
    let (divided, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "\u{a0}G"),
        size if size >= 1e6 => (value / 1e6, "\u{a0}M"),
        size if size >= 1e3 => (value / 1e3, "\u{a0}k"),
        _ => (value, ""),
    };
    let text = match divided.abs() {
        size if size >= 100.0 => format!("{divided:.0}"),
        size if size >= 10.0 => format!("{divided:.1}"),
        _ => format!("{divided:.2}"),
    };
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{}{unit}", signed(text.to_owned()))
}

/// `1.3 MB`
pub fn bytes(value: f64) -> String {
    match value < 1000.0 {
        true => format!("{}\u{a0}B", short(value)),
        false => format!("{}B", short(value)),
    }
}

/// The first letters of a name that must fit a picture.
pub fn clipped(name: &str, letters: usize) -> String {
    match name.chars().count() > letters {
        true => name.chars().take(letters - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// What an arm does, in words. Answers that were there are told apart by what they are of.
pub fn arm<'a>(word: &'a str, kind: &str) -> &'a str {
    match word {
        "prompted" if kind == WORDS => "words alone, no model",
        "single" => "each task alone",
        "multi" => "all tasks together",
        "pairs" => "two tasks together",
        "leave_one_out" => "all tasks but one",
        "full" => "full, each task alone",
        "prompted" => "prompted, not trained",
        "untrained" => "before the first step",
        other => other,
    }
}

/// With whom a task was trained.
pub fn company(task: &str, tasks: &[String], all: usize) -> String {
    let others: Vec<&str> = tasks
        .iter()
        .map(String::as_str)
        .filter(|other| *other != task)
        .collect();
    match others.len() {
        0 => "alone".to_owned(),
        1 if all == 2 => "all together".to_owned(),
        count if count + 1 == all => "all together".to_owned(),
        _ => format!("with {}", others.join(", ")),
    }
}

fn signed(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(difference(-0.0181), "−0.018");
        assert_eq!(difference(-0.0001), "0.000");
        assert_eq!(short(300_385.0), "300\u{a0}k");
        assert_eq!(short(1000.0), "1\u{a0}k");
        assert_eq!(short(90.0), "90");
        assert_eq!(bytes(1_301_600.0), "1.3\u{a0}MB");
        assert_eq!(bytes(12.0), "12\u{a0}B");
        assert_eq!(clipped("défaut-long", 5), "défa…");
        assert_eq!(plain(-0.0, 0.01), "0.00");
    }
}
