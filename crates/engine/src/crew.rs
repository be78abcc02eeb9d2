//! The threads that compute, and who is one of them.
//!
//! Products and operations run on whatever pool of threads the caller belongs to. A thread that
//! belongs to none hands each of some hundred small pieces of a pass to others, sleeps, and is woken
//! when it is done. A thread that is one of those that compute never sleeps while there is work.
//!
//! It decides nothing that a result could depend on.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A thread and its helpers; they go when it is dropped.
#[must_use = "the helpers go when it is dropped"]
pub struct Crew(#[expect(dead_code, reason = "held, so that the helpers stay")] ThreadPool);

/// Makes the calling thread one of those that compute, with helpers of its own: as many threads
/// together as `--threads` or the machine says. For threads that live to compute; what other threads
/// do in the meantime is not held up when this one waits.
///
/// # Errors
/// If the thread is one already, or the system gives no more threads.
pub fn enlist() -> Result<Crew, ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .use_current_thread()
        .build()
        .map(Crew)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pass hands out pieces of work from a thread that is not in any pool, and from one that is:
    /// the first never runs a piece itself.
    #[test]
    fn a_thread_that_enlists_works_too() {
        use rayon::prelude::*;
        let worked = || {
            let me = std::thread::current().id();
            let who: Vec<_> = (0..1000)
                .into_par_iter()
                .with_max_len(1)
                .map(|_| std::thread::current().id())
                .collect();
            who.contains(&me)
        };
        let (before, after, again) = std::thread::spawn(move || {
            let before = worked();
            let crew = enlist();
            (before, crew.is_ok() && worked(), enlist().is_ok())
        })
        .join()
        .unwrap();
        assert!(!before, "a thread outside ran a piece of the work");
        assert!(after, "a thread that has enlisted did nothing");
        assert!(!again, "a thread enlisted twice");
    }

    /// While it waits, others compute, even where there is one thread of each.
    #[test]
    fn one_that_waits_holds_nobody_up() {
        let both = std::thread::spawn(|| {
            let _crew = enlist().unwrap();
            let other = std::thread::spawn(|| {
                let _crew = enlist().unwrap();
                rayon::join(|| 1, || 2)
            });
            other.join().unwrap()
        })
        .join()
        .unwrap();
        assert_eq!(both, (1, 2));
    }
}
