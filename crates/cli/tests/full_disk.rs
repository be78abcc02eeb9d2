//! `skillbelt train` on a disk that refuses: every write, flush and rename in turn, files that may
//! not grow (a limit of the operating system itself), and a real file system without room. The
//! program says so with exit code 2; what it had is there, and going on gives the same.
//!
//! `SKILLBELT_REFUSALS=all` refuses every call instead of a sample; `SKILLBELT_SMALL_DISK=1` also
//! mounts small file systems, which takes Linux with user namespaces.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod trained;

use std::collections::BTreeMap;
use std::process::Command;

use trained::{Bench, Ended, KINDS, Kind, kinds};

fn all() -> bool {
    std::env::var("SKILLBELT_REFUSALS").is_ok_and(|word| word == "all")
}

/// The command of a run, under a shell that first does something else.
fn under(bench: &Bench, name: &str, first: &str) -> Command {
    let inner = bench.command(name);
    let mut command = Command::new("sh");
    let script = format!("{first}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(inner.get_program());
    command.args(inner.get_args());
    command
}

/// Every checkpoint that is there is whole: its files are those of the manifest, to the byte.
fn checkpoints_are_whole(bench: &Bench, name: &str, when: &str) {
    let folder = bench.output(name).join("checkpoints");
    let Ok(entries) = fs_err::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let step = path.file_name().unwrap().to_str().unwrap();
        if !step.starts_with("step-") || step.contains('.') {
            continue;
        }
        let manifest = fs_err::read(path.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        for (file, entry) in manifest["files"].as_object().unwrap() {
            let found = fs_err::metadata(path.join(file)).unwrap().len();
            assert_eq!(entry["bytes"], found, "{when}: {step}/{file}");
        }
    }
}

fn goes_on(bench: &Bench, name: &str, whole: &BTreeMap<String, Vec<u8>>, when: &str) {
    checkpoints_are_whole(bench, name, when);
    bench.ends_well(name, when);
    bench.assert_same(name, whole, when);
    bench.remove(name);
}

#[test]
fn whatever_call_is_refused_the_run_says_so_and_goes_on_later() {
    for (place, kind) in kinds("SKILLBELT_KILL_KINDS").into_iter().enumerate() {
        let bench = Bench::new(kind).epochs("1.5");
        bench.ends_well("whole", "");
        let whole = bench.outcome("whole");
        for (number, (call, said)) in [
            ("write", "No space left"),
            ("fsync", "Input/output error"),
            ("rename", "Input/output error"),
        ]
        .into_iter()
        .enumerate()
        {
            // A call for each of three kinds where not all are asked for.
            if !all() && number != place {
                continue;
            }
            let step = if all() { 1 } else { 19 };
            let mut count = 1 + if all() { 0 } else { place };
            loop {
                let refused = bench.run("refused", |command| {
                    command.env("SKILLBELT_FAIL_IO", format!("{call}:{count}"));
                });
                let when = format!("{call}:{count}");
                if refused.code == Some(0) {
                    // There are not so many calls.
                    assert!(count > 10, "{} {when}", kind.name);
                    bench.assert_same("refused", &whole, &when);
                    bench.remove("refused");
                    break;
                }
                assert_eq!(refused.code, Some(2), "{} {when}", kind.name);
                assert!(refused.err.contains(said), "{when}: {}", refused.err);
                goes_on(&bench, "refused", &whole, &when);
                count += step;
            }
        }
    }
}

#[test]
fn files_that_may_not_grow_end_the_run_with_a_message_and_nothing_half_written() {
    for kind in kinds("SKILLBELT_KILL_KINDS") {
        if !all() && !["lora", "prefix", "full"].contains(&kind.name) {
            continue;
        }
        let bench = Bench::new(kind).epochs("1");
        bench.ends_well("whole", "");
        let whole = bench.outcome("whole");
        let largest = whole.values().map(Vec::len).max().unwrap() / 512;
        // Over a whole run, and over its end alone, where the belt itself is written.
        for at_end in [false, true] {
            let mut blocks = 1;
            let mut refusals = 0;
            while blocks <= largest {
                let name = "limited";
                if at_end {
                    let died = bench.run(name, |command| {
                        command.env("SKILLBELT_KILL_AT", "before-belt");
                    });
                    assert_eq!(died.code, None);
                }
                let limit = format!("trap '' XFSZ; ulimit -f {blocks}");
                let ended = Ended::from(under(&bench, name, &limit).output().unwrap());
                let when = format!("files of at most {blocks} blocks, at the end: {at_end}");
                assert_eq!(ended.code, Some(2), "{} {when}", kind.name);
                assert!(
                    ended.err.contains("File too large"),
                    "{when}: {}",
                    ended.err
                );
                assert!(!bench.output(name).join("belt").exists(), "{when}");
                refusals += u64::from(ended.err.contains("belt.writing"));
                goes_on(&bench, name, &whole, &when);
                blocks = if all() {
                    blocks + blocks / 8 + 1
                } else {
                    4 * blocks
                };
            }
            assert_eq!(refusals > 0, at_end, "{}: the belt's own files", kind.name);
        }
    }
}

/// A run on a file system of so many KiB, and then on the same one with room; the shell ends with
/// 99 if the first end was not the program's own.
const SMALL: &str = "mount -t tmpfs -o size=$ROOM none \"$DISK\" || exit 90
\"$0\" \"$@\" 2> \"$SAID\"; first=$?
[ $first = 0 ] || [ $first = 2 ] || exit 99
mount -o remount,size=64m \"$DISK\" || exit 91
\"$0\" \"$@\" || exit 92
cp -r \"$DISK/run\" \"$KEPT\" || exit 93
exit $first";

#[test]
fn a_file_system_without_room_is_told_and_the_run_goes_on_when_there_is_some() {
    if std::env::var("SKILLBELT_SMALL_DISK").is_err() {
        return;
    }
    for kind in kinds("SKILLBELT_KILL_KINDS") {
        small_disk(kind);
    }
}

fn small_disk(kind: Kind) {
    let bench = Bench::new(kind).epochs("1.5");
    bench.ends_well("whole", "");
    let whole = bench.outcome("whole");
    let (disk, said) = (bench.output("disk"), bench.output("said"));
    fs_err::create_dir_all(&disk).unwrap();
    // Until there is room enough from the beginning.
    let (mut room, mut refusals) = (8, 0);
    loop {
        let inner = bench.command("kept");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", SMALL]);
        command.arg(inner.get_program()).args(inner.get_args());
        command.arg("-o").arg(disk.join("run"));
        command.env("ROOM", format!("{room}k")).env("DISK", &disk);
        command.env("SAID", &said).env("KEPT", bench.output("kept"));
        let ended = Ended::from(command.output().unwrap());
        bench.assert_same("kept", &whole, &format!("a disk of {room} KiB"));
        bench.remove("kept");
        if ended.code == Some(0) {
            break;
        }
        assert_eq!(ended.code, Some(2), "{}: {}", kind.name, ended.err);
        let message = fs_err::read_to_string(&said).unwrap();
        assert!(message.contains("No space left"), "{message}");
        refusals += 1;
        room += room / 6 + 4;
    }
    assert!(refusals > 5, "{}: {refusals}", kind.name);
    #[allow(clippy::print_stderr, reason = "how much was proved")]
    {
        eprintln!(
            "{}: {refusals} disks too small, up to {room} KiB",
            kind.name
        );
    }
}

#[test]
fn the_kinds_have_different_names() {
    let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len());
}
