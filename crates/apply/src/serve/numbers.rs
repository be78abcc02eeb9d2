//! What the server counts, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

/// Upper bounds of the classes of durations, in seconds.
const SECONDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
/// Upper bounds of the classes of batches, in tokens.
const TOKENS: [f64; 9] = [
    16.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 16384.0,
];

/// All counts of a server.
#[derive(Default)]
pub struct Numbers {
    pub connections: AtomicU64,
    /// Connections that were closed so that others could come.
    pub gave_way: AtomicU64,
    pub in_flight: AtomicU64,
    /// Requests that were turned away because too much was waiting.
    pub turned_away: AtomicU64,
    pub read_tokens: AtomicU64,
    pub read_texts: AtomicU64,
    /// Texts that another text of the same batch had already been read for.
    pub same_texts: AtomicU64,
    pub written_tokens: AtomicU64,
    pub defects: AtomicU64,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    durations: Mutex<BTreeMap<&'static str, Classes<12>>>,
    batches: Mutex<Classes<9>>,
}

/// A histogram.
#[derive(Clone, Copy)]
struct Classes<const N: usize> {
    counts: [u64; N],
    sum: f64,
    count: u64,
}

impl<const N: usize> Default for Classes<N> {
    fn default() -> Self {
        Classes {
            counts: [0; N],
            sum: 0.0,
            count: 0,
        }
    }
}

impl<const N: usize> Classes<N> {
    fn add(&mut self, bounds: &[f64; N], value: f64) {
        if let Some(class) = bounds.iter().position(|bound| value <= *bound) {
            self.counts[class] += 1;
        }
        self.sum += value;
        self.count += 1;
    }

    fn write(&self, page: &mut String, name: &str, label: &str, bounds: &[f64; N]) {
        let comma = if label.is_empty() { "" } else { "," };
        let mut below = 0;
        for (bound, count) in bounds.iter().zip(self.counts) {
            below += count;
            let _infallible = writeln!(
                page,
                "{name}_bucket{{{label}{comma}le=\"{bound}\"}} {below}"
            );
        }
        let braced = match label.is_empty() {
            true => String::new(),
            false => format!("{{{label}}}"),
        };
        let Classes { sum, count, .. } = self;
        let _infallible = write!(
            page,
            "{name}_bucket{{{label}{comma}le=\"+Inf\"}} {count}\n\
             {name}_sum{braced} {sum}\n{name}_count{braced} {count}\n"
        );
    }
}

impl Numbers {
    /// A request is over.
    pub fn answered(&self, route: &'static str, status: u16, seconds: f64) {
        let key = (route, status);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(key).or_default() += 1;
        drop(requests);
        let durations = self.durations.lock();
        let mut durations = durations.unwrap_or_else(PoisonError::into_inner);
        durations.entry(route).or_default().add(&SECONDS, seconds);
        if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
            self.turned_away.fetch_add(1, Relaxed);
        }
    }

    /// A batch was read.
    pub fn batch(&self, tokens: usize) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.add(&TOKENS, tokens as f64);
    }

    /// Everything in Prometheus' text format; `now` are gauges that others know.
    pub fn page(&self, now: &[(&str, &str, f64)]) -> String {
        let mut page = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: f64| {
            let _infallible = write!(
                page,
                "# HELP skillbelt_{name} {help}\n# TYPE skillbelt_{name} {kind}\n\
                 skillbelt_{name} {value}\n"
            );
        };
        for (name, help, count) in [
            (
                "connections_gave_way_total",
                "Connections closed for others",
                &self.gave_way,
            ),
            (
                "turned_away_total",
                "Requests answered with 429",
                &self.turned_away,
            ),
            (
                "read_tokens_total",
                "Tokens read by the model",
                &self.read_tokens,
            ),
            (
                "read_texts_total",
                "Texts asked to be read",
                &self.read_texts,
            ),
            (
                "same_texts_total",
                "Texts already read in the same batch",
                &self.same_texts,
            ),
            (
                "written_tokens_total",
                "Tokens written by the model",
                &self.written_tokens,
            ),
            ("defects_total", "Batches lost to a defect", &self.defects),
        ] {
            one(name, "counter", help, count.load(Relaxed) as f64);
        }
        let in_flight = self.in_flight.load(Relaxed) as f64;
        one(
            "requests_in_flight",
            "gauge",
            "Requests being answered",
            in_flight,
        );
        for (name, help, value) in now {
            one(name, "gauge", help, *value);
        }
        self.histograms(&mut page);
        page
    }

    fn histograms(&self, page: &mut String) {
        let head = |page: &mut String, name: &str, kind: &str, help: &str| {
            let _infallible = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        };
        let name = "skillbelt_requests_total";
        head(page, name, "counter", "Requests by route and status");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in &*requests {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            let _infallible = writeln!(page, "{name}{{{labels}}} {count}");
        }
        drop(requests);
        let name = "skillbelt_request_seconds";
        head(page, name, "histogram", "Time from head to last byte");
        let durations = self.durations.lock();
        let durations = durations.unwrap_or_else(PoisonError::into_inner);
        for (route, classes) in &*durations {
            classes.write(page, name, &format!("route=\"{route}\""), &SECONDS);
        }
        drop(durations);
        let name = "skillbelt_batch_tokens";
        head(page, name, "histogram", "Tokens of a batch that was read");
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.write(page, name, "", &TOKENS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_count_all_below_their_bound_and_sum_up() {
        let numbers = Numbers::default();
        for seconds in [0.004, 0.02, 100.0] {
            numbers.answered("/embed", 200, seconds);
        }
        numbers.answered("/embed", 429, 0.001);
        numbers.batch(65);
        let page = numbers.page(&[("queue_texts", "Texts that wait", 3.0)]);
        for line in [
            "skillbelt_requests_total{route=\"/embed\",status=\"200\"} 3",
            "skillbelt_requests_total{route=\"/embed\",status=\"429\"} 1",
            "skillbelt_turned_away_total 1",
            "skillbelt_request_seconds_bucket{route=\"/embed\",le=\"0.005\"} 2",
            "skillbelt_request_seconds_bucket{route=\"/embed\",le=\"60\"} 3",
            "skillbelt_request_seconds_bucket{route=\"/embed\",le=\"+Inf\"} 4",
            "skillbelt_request_seconds_count{route=\"/embed\"} 4",
            "skillbelt_batch_tokens_bucket{le=\"64\"} 0",
            "skillbelt_batch_tokens_bucket{le=\"128\"} 1",
            "skillbelt_batch_tokens_sum 65",
            "skillbelt_queue_texts 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        // Each name is described once, before its values.
        let described: Vec<&str> = page.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let mut once = described.clone();
        once.dedup();
        assert_eq!(described, once);
    }
}
