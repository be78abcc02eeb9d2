//! The machine that a run was made on and what the run cost there, as far as the system tells.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use skillbelt_engine::Isa;

/// What the run was made on.
pub fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({
        "cpu": line_of("/proc/cpuinfo", "model name"),
        "cores": cores,
        "threads": rayon::current_num_threads(),
        "memory_kib": kib("/proc/meminfo", "MemTotal"),
        "kernel": Isa::chosen().name(),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
    })
}

/// The largest resident memory that this process ever had, in KiB.
pub fn peak_kib() -> Option<u64> {
    kib("/proc/self/status", "VmHWM")
}

/// Resident memory now, in KiB.
pub fn resident_kib() -> Option<u64> {
    kib("/proc/self/status", "VmRSS")
}

/// Measures time and energy of a stretch of work.
pub struct Meter {
    started: Instant,
    earlier: f64,
    joules: Option<Vec<u64>>,
}

impl Meter {
    /// Starts, after so many seconds in earlier stretches.
    pub fn start(earlier: f64) -> Meter {
        Meter {
            started: Instant::now(),
            earlier,
            joules: energy(),
        }
    }

    /// Of all stretches.
    pub fn seconds(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    /// Of this stretch, of the whole machine, where the system lets it be read. A counter that went
    /// over its end gives nothing.
    pub fn joules(&self) -> Option<f64> {
        let (before, after) = (self.joules.as_ref()?, energy()?);
        let mut micro = 0;
        for (before, after) in before.iter().zip(&after) {
            micro += after.checked_sub(*before)?;
        }
        Some(micro as f64 * 1e-6)
    }
}

/// Counters of energy of each package, in millionths of a joule.
fn energy() -> Option<Vec<u64>> {
    let zones = crate::disk::entries(Path::new("/sys/class/powercap")).ok()?;
    let mut counters = Vec::new();
    for zone in zones {
        let name = zone.file_name()?.to_str()?;
        // `intel-rapl:0` is a package, `intel-rapl:0:1` a part of it.
        if name.matches(':').count() == 1 {
            let text = fs_err::read_to_string(zone.join("energy_uj")).ok()?;
            counters.push(text.trim().parse().ok()?);
        }
    }
    (!counters.is_empty()).then_some(counters)
}

fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs_err::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kib(path: &str, name: &str) -> Option<u64> {
    line_of(path, name)?.split_whitespace().next()?.parse().ok()
}
