//! What a person sees of a quick start: one line with a clock while it goes on, what came out, and what
//! to do next.

use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use skillbelt_apply::quickstart::{Made, Stage, Verdict, Watch, Worth, told, verdicts};

use crate::exit::say;
use crate::progress::clock;

/// Between plain lines where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Less than this share of a stage foretells nothing.
const ENOUGH: f64 = 0.03;

/// The line: on a terminal it stays where it is, elsewhere it is said again from time to time.
pub struct Line {
    quiet: bool,
    begun: Instant,
    stage: Option<(Stage, Instant)>,
    said: Option<Instant>,
    bar: Option<ProgressBar>,
}

impl Line {
    pub fn new(quiet: bool) -> Line {
        let style = ProgressStyle::with_template("{bar:24} {msg}");
        let bar = (!quiet && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(1000);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Line {
            quiet,
            begun: Instant::now(),
            stage: None,
            said: None,
            bar,
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => say(text),
        }
    }

    fn state(&self, share: f64, what: &str) -> String {
        let Some((stage, since)) = self.stage else {
            return String::new();
        };
        let all = Stage::ALL.len();
        let clock_now = clock(self.begun.elapsed());
        let mut text = format!("[{} of {all}] {clock_now} {}", stage.number(), stage.name());
        if !what.is_empty() {
            let _infallible = write!(text, ": {what}");
        }
        if share > ENOUGH {
            let spent = since.elapsed().as_secs_f64();
            let left = Duration::from_secs((spent * (1.0 - share) / share) as u64);
            let percent = 100.0 * share;
            let _infallible = write!(text, " ({percent:.0}%, about {} left)", clock(left));
        }
        text
    }
}

impl Watch for Line {
    fn stage(&mut self, stage: Stage) {
        self.stage = Some((stage, Instant::now()));
        self.said = None;
        self.doing(0.0, "");
    }

    fn doing(&mut self, share: f64, what: &str) {
        if self.quiet {
            return;
        }
        let text = self.state(share, what);
        match &self.bar {
            Some(bar) => {
                bar.set_position((1000.0 * share) as u64);
                bar.set_message(text);
            }
            None if self.said.is_none_or(|said| said.elapsed() >= PLAIN_EVERY) => {
                self.said = Some(Instant::now());
                say(text);
            }
            None => {}
        }
    }

    fn said(&mut self, line: &str) {
        if !self.quiet {
            self.line(line);
        }
    }

    fn warned(&mut self, warning: &str) {
        self.line(&format!("warning: {warning}"));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What the belt is worth against one of the others.
type Side = fn(&Verdict) -> Worth;

/// The measures in a table, and what they say.
pub fn text(made: &Made) -> String {
    let verdicts = verdicts(&made.results);
    let mut text = String::from(
        "task             measure                 rows  all together (95%)         alone  untrained  words\n",
    );
    for verdict in &verdicts {
        text += &row(verdict);
    }
    let sides: [(&str, Side); 3] = [
        ("words alone", |it| it.against_words),
        ("one belt for each task", |it| it.against_alone),
        ("before the first step", |it| it.against_untrained),
    ];
    for (against, of) in sides {
        let says = told(&verdicts, of);
        let _infallible = writeln!(text, "the belt against {against}: {says}");
    }
    for lacking in &made.lacking {
        let _infallible = writeln!(text, "not made: {}: {}", lacking.task, lacking.why);
    }
    let seeds = made.results.study.seeds.len();
    if seeds == 1 {
        text += "one seed: another would give somewhat other numbers; --full trains three\n";
    }
    let _infallible = writeln!(
        text,
        "\nreport: {}\nbelt:   {}",
        near(&made.report),
        near(&made.belt)
    );
    text
}

fn row(verdict: &Verdict) -> String {
    let number = |value: Option<f64>| value.map_or("none".into(), |value| format!("{value:.3}"));
    let interval = verdict.interval.map_or(String::new(), |interval| {
        format!(" ({:.3} to {:.3})", interval.low, interval.high)
    });
    format!(
        "{:16} {:22} {:>5}  {:26} {:>5}  {:>9}  {:>5}\n",
        verdict.task,
        verdict.measure,
        verdict.rows.map_or("?".into(), |rows| rows.to_string()),
        number(verdict.together) + &interval,
        number(verdict.alone),
        number(verdict.untrained),
        number(verdict.words),
    )
}

/// What to do next, as commands that can be copied.
pub struct Next<'n> {
    pub program: String,
    pub paths: &'n [PathBuf],
    /// A base that has no name of its own, and must be named by its folder again.
    pub base: Option<&'n Path>,
    pub made: &'n Made,
}

impl Next<'_> {
    pub fn text(&self) -> String {
        let example = self.made.example.as_ref();
        let words = example.map_or("what you look for", |example| &example.words);
        let path = match (self.paths, example) {
            ([given, ..], _) => given.clone(),
            ([], Some(example)) => example.within.clone(),
            ([], None) => PathBuf::from("."),
        };
        let (path, belt) = (word(&near(&path)), word(&near(&self.made.belt)));
        let program = word(&self.program);
        let base = self
            .base
            .map(|base| format!(" --base {}", word(&near(base))));
        let belt = belt + &base.unwrap_or_default();
        format!(
            "\nnext:\n  {program} scan {path} --belt {belt}\n  {program} search \"{words}\" {path} --belt {belt}\n  {program} serve {belt}\n"
        )
    }
}

/// A path as it is shortest: below the current folder without it.
pub fn near(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(&here).unwrap_or(path);
    match shown.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => shown.display().to_string(),
    }
}

/// A word of a command line, whatever is in it.
fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=@+:,~".contains(letter);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_line_can_be_copied() {
        assert_eq!(word("a/b-1.0.rs"), "a/b-1.0.rs");
        assert_eq!(word("my code"), "'my code'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn the_line_tells_stage_clock_and_what_is_left() {
        let mut line = Line::new(true);
        line.stage(Stage::Study);
        let before = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        line.stage = Some((Stage::Study, before));
        let text = line.state(0.25, "all tasks together: step 20 of 80");
        assert!(
            text.starts_with("[3 of 5] 0:00 training and asking belts: all tasks"),
            "{text}"
        );
        assert!(text.ends_with("(25%, about 3:00 left)"), "{text}");
    }
}
