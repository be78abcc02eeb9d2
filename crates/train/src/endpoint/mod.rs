//! A client of OpenAI-compatible endpoints: requests in, answers or counted failures out, in the
//! order of the requests.
//!
//! What it guarantees: an answer that came is on the disk before anybody sees it, so that a run that
//! is stopped anywhere asks nothing twice; an answer that is cut, empty, no JSON or of another shape
//! is a failure with a reason and never an answer; the API key goes to the endpoint's own address
//! and into no file and no message. It knows no task, makes no prompt and judges no answer.

mod answer;
mod cache;
mod client;
mod date;
pub mod limits;
mod pace;
mod request;
mod wire;

pub use answer::{Answered, Finish, Outcome, Usage};
pub use cache::Cache;
pub use client::{Client, Costs, Heard};
pub use request::{Message, Request, Writing};
