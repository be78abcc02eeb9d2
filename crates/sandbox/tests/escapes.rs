//! Every file of `attacks/escape` is run behind a complete sandbox, and what it broke is looked for
//! from outside. One test for each file.

#[cfg(target_os = "linux")]
#[path = "staged/mod.rs"]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod staged;

#[cfg(target_os = "linux")]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and one that is not run says so"
)]
fn main() {
    use std::sync::Arc;

    use libtest_mimic::{Arguments, Failed, Trial};
    use skillbelt_sandbox::{Python, Sandbox};
    use staged::{CANNOT, Stage, attacks, took_place};

    let arguments = Arguments::from_args();
    let cannot = std::env::var_os(CANNOT).is_some();
    if cannot {
        eprintln!("{CANNOT} is set: NO ATTACK IS RUN on this machine");
    }
    let attacks = attacks();
    assert!(attacks.len() >= 60, "only {} attacks", attacks.len());
    let ready = (!cannot && !arguments.list).then(|| {
        let sandbox = Sandbox::complete().map_err(|error| {
            format!(
                "{error}; a test that cannot run fails; {CANNOT}=1 states that this machine cannot"
            )
        });
        Arc::new((sandbox, Python::find(None).unwrap()))
    });
    // SAFETY: takes nothing.
    let is_root = unsafe { libc::geteuid() } == 0;
    let trials = attacks.into_iter().map(|attack| {
        let ready = ready.clone();
        let cannot = cannot || (attack.needs_root && !is_root);
        if attack.needs_root && !is_root {
            eprintln!("{} needs root: NOT RUN", attack.name);
        }
        let name = format!("attack {}", attack.name.replace('_', " "));
        Trial::test(name, move || {
            let Some(ready) = &ready else {
                return Ok(());
            };
            let (sandbox, python) = &**ready;
            let sandbox = sandbox.as_ref().map_err(Failed::from)?;
            let (ending, broken) = Stage::new(&attack.name).run(sandbox, python, &attack);
            match broken.is_empty() && took_place(&ending) {
                true => Ok(()),
                false => {
                    let said = String::from_utf8_lossy(&ending.stdout)
                        .chars()
                        .take(300)
                        .collect::<String>();
                    let errors = String::from_utf8_lossy(&ending.stderr)
                        .chars()
                        .take(600)
                        .collect::<String>();
                    Err(format!("{broken:?} {:?} {said} {errors}", ending.end).into())
                }
            }
        })
        .with_ignored_flag(cannot)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

#[cfg(not(target_os = "linux"))]
fn main() {}
