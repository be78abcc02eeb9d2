//! A job array for Slurm that runs a study's cells: each job claims cells until none is left. The same
//! claims hold as anywhere, so that jobs that die are no loss and machines beside the cluster may join.

use std::path::Path;

/// What a job needs to be told.
pub struct Job<'j> {
    /// The plan and the study's folder, as paths that every node sees.
    pub plan: &'j Path,
    pub out: &'j Path,
    /// The program.
    pub program: &'j Path,
    pub name: &'j str,
    /// Jobs of the array, at most one for each cell.
    pub jobs: usize,
    /// Flags to be handed on, each one word or two.
    pub flags: &'j [String],
}

/// The script, to be handed to `sbatch`.
pub fn script(job: &Job<'_>) -> String {
    let quoted = |path: &Path| quote(&path.to_string_lossy());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = job
        .name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let last = job.jobs.max(1) - 1;
    let flags: String = job
        .flags
        .iter()
        .map(|flag| format!(" {}", quote(flag)))
        .collect();
    let logs = quote(&format!("{}/slurm/%A_%a.log", job.out.to_string_lossy()));
    format!(
        "#!/usr/bin/env bash
# The cells of a study as a job array: every job claims cells of the common folder until none is left.
# A job that is killed loses no more than the steps since its last checkpoint; hand this in again, or
# run the same command anywhere, and what is left is gone on with.
#
#     sbatch study.sbatch
#
# Memory, time, partition and account are for you to add, here or as flags of sbatch.
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:INT@120
#SBATCH --output={logs}
set -euo pipefail

threads=${{SLURM_CPUS_PER_TASK:-${{SLURM_CPUS_ON_NODE:-1}}}}

# Slurm tells the shell two minutes before the time is over; the program saves and gives its cell up.
{program} --threads \"$threads\" --offline study {plan} --out {out} --no-wait --no-estimate{flags} &
program=$!
trap 'kill -INT \"$program\" 2>/dev/null || true' INT TERM
# `wait` ends when the signal comes; the program has not ended yet.
while kill -0 \"$program\" 2>/dev/null; do
    code=0
    wait \"$program\" || code=$?
done
exit \"$code\"
",
        program = quoted(job.program),
        plan = quoted(job.plan),
        out = quoted(job.out),
    )
}

/// A word of a shell, whatever it holds.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.,:=+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_anything_in_them_stay_one_word() {
        assert_eq!(quote("/a/b-c_d.e"), "/a/b-c_d.e");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn the_array_has_as_many_jobs_as_were_asked_for() {
        let job = Job {
            plan: Path::new("/s/my plan.yaml"),
            out: Path::new("/s/out"),
            program: Path::new("/bin/skillbelt"),
            name: "my plan",
            jobs: 12,
            flags: &["--only".into(), "single".into()],
        };
        let script = script(&job);
        for line in [
            "#SBATCH --array=0-11",
            "#SBATCH --job-name=my_plan",
            "study '/s/my plan.yaml' --out /s/out --no-wait --no-estimate --only single &",
        ] {
            assert!(script.contains(line), "{line} in {script}");
        }
    }
}
