//! Repositories and files that were made to stop a scan: each is gone through, the good files beside
//! the trap are scanned, and everything that was not read is told.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../harvest/tests/repository/mod.rs"]
mod repository;
mod scanned;
#[path = "../../harvest/tests/traps/mod.rs"]
mod traps;

use rayon::prelude::*;
use repository::{Repository, source};
use scanned::{function, plan, scanned};
use skillbelt_apply::checkout::{LANGUAGES, Parsers, Wish, find};
use traps::TRAPS;

/// Sets a trap beside good files and scans; the trap's name with what went wrong.
fn sprung(name: &str, set: traps::Trap) -> Result<(), String> {
    let repository = Repository::new();
    repository.write("good.py", &function("good", "BUG"));
    repository.commit("Add", 1_000);
    set(&repository);
    let mut plan = plan(repository.path());
    plan.keep = skillbelt_apply::scan::Keep::In(repository.beside("cache"));
    let (report, _) = scanned(&plan);
    let told = scanned::told(&report);
    match told.iter().any(|row| row.3 == "good") {
        true => Ok(()),
        false => Err(format!("{name}: {told:?}")),
    }
}

#[test]
fn sixty_traps_are_gone_through_and_the_good_file_beside_each_is_scanned() {
    assert!(TRAPS.len() >= 60);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .build()
        .unwrap();
    let wrong: Vec<String> = pool.install(|| {
        let all = TRAPS.par_iter().with_max_len(1);
        all.filter_map(|(name, set)| sprung(name, *set).err())
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// So many mutated files; the longer proof is `SKILLBELT_MUTATIONS=100000`.
fn mutations() -> usize {
    let wanted = std::env::var("SKILLBELT_MUTATIONS").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(300)
}

/// A number that follows from others alone.
fn drawn(seed: usize, at: usize) -> usize {
    let text = format!("{seed} {at}");
    u64::from_le_bytes(
        *blake3::hash(text.as_bytes())
            .as_bytes()
            .first_chunk()
            .unwrap(),
    ) as usize
}

/// A file of a language with bytes changed, doubled, cut and mixed with those of others.
fn mutated(seed: usize) -> Vec<u8> {
    const PIECES: [&str; 9] = [
        "int f(int a) { if (a) { return g(a); } return \"x\" + a; }\n",
        "class A { public void f(String s) { for (int i = 0; i < 3; i++) { s += `a`; } } }\n",
        "func f(a int) (int, error) { defer g(); return a, nil }\n",
        "fn f<'a>(x: &'a str) -> Option<u8> { match x { r#\"a\"# => None, _ => Some(1) } }\n",
        "async function* f({a, ...b}) { yield* `x${a ? `${b}` : 1}`; return /re[/]/g; }\n",
        "template<class T> auto f(T&& t) -> decltype(t) { return [=]{ return R\"d(x)d\"; }(); }\n",
        "#define M(x) \\\n  do { x } while (0)\n#if 0\nint\n#endif\n",
        "def f(a, *, b: int = 1, **c):\n    '''doc'''\n    return f\"{a!r:>{b}}\" if (b := c) else [x for x in a]\n",
        "interface I<T extends keyof U> { f?(a: T): asserts a is X; }\n",
    ];
    let mut bytes = Vec::new();
    for at in 0..1 + drawn(seed, 0) % 12 {
        bytes.extend_from_slice(PIECES[drawn(seed, 10 + at) % PIECES.len()].as_bytes());
    }
    for at in 0..drawn(seed, 1) % 30 {
        let place = drawn(seed, 100 + at * 3) % bytes.len().max(1);
        match drawn(seed, 101 + at * 3) % 6 {
            0 => bytes[place] = drawn(seed, 102 + at * 3) as u8,
            1 => bytes.insert(
                place,
                b"(){}[]<>\"'`#$\\/*\n\t:;"[drawn(seed, 102 + at * 3) % 20],
            ),
            2 => {
                bytes.remove(place);
            }
            3 => bytes.truncate(place + 1),
            4 => {
                let end = (place + drawn(seed, 102 + at * 3) % 40).min(bytes.len());
                let doubled = bytes[place..end].to_vec();
                bytes.splice(place..place, doubled);
            }
            _ => bytes.swap(0, place),
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
    bytes
}

#[test]
fn every_mutated_file_is_read_or_told() {
    let parsers = Parsers::here();
    let all = mutations();
    for first in (0..all).step_by(1_000) {
        let repository = Repository::plain();
        let last = (first + 1_000).min(all);
        for seed in first..last {
            let ending = LANGUAGES[seed % LANGUAGES.len()].endings()[0];
            let path = repository.path().join(format!("f{seed}.{ending}"));
            fs_err::write(path, mutated(seed)).unwrap();
        }
        repository.write("good.py", &source(1));
        let checkout = find(&Wish::of(vec![repository.path().to_owned()])).unwrap();
        let (files, unread) = checkout.read_all(&parsers);
        assert_eq!(files.len() + unread.len(), last - first + 1, "{unread:?}");
        assert!(files.iter().any(|file| file.entry.inside == "good.py"));
    }
}
