//! Turns a panic inside the tokenizer library into an error, without a word on stderr. It is not a licence to panic:
//! nothing of this project's own code runs inside but the call itself.
//!
//! The process has one panic hook. The first use wraps the hook found then: on a thread that is inside [`quietly`] it
//! says nothing, on every other it calls the one it wraps. So panics elsewhere are reported as ever.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}
static HOOK: Once = Once::new();

/// Restores the thread's depth on every way out.
struct Depth;

impl Depth {
    fn enter() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Depth
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Runs `work`; a panic in it comes back as its message. What `work` was changing must not be used after an `Err`.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
                before(info);
            }
        }));
    });
    let _depth = Depth::enter();
    catch_unwind(AssertUnwindSafe(work)).map_err(|cause| {
        let message = cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        message.unwrap_or_else(|| "no message".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_its_message_and_the_depth_is_restored() {
        assert_eq!(quietly(|| 3), Ok(3));
        assert_eq!(quietly(|| -> u8 { panic!("lost") }), Err("lost".into()));
        let number = 7;
        assert_eq!(
            quietly(|| -> u8 { panic!("lost {number}") }),
            Err("lost 7".into())
        );
        assert_eq!(DEPTH.with(Cell::get), 0);
    }
}
