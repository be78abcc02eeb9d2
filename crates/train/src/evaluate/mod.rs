//! Evaluation: answers written down one per line, measured, and compared.
//!
//! What is computed with the network ends at [`examples`]; everything after reads only what was
//! written down, so a file of answers says all that its numbers were made of. It does not know how
//! answers are made, and chooses no moment of a training run.

mod calibrate;
pub mod example;
mod family;
mod judge;
mod mcnemar;
mod paired;
mod resample;
mod summary;
mod wilcoxon;

pub use calibrate::calibrations;
pub use example::{
    Example, answered, examples, file_name, plain_name, probabilities, read, write, write_to,
};
pub use family::{Compared, family, holm};
pub use judge::judged;
pub use mcnemar::{McNemar, mcnemar};
pub use paired::{ByExample, Paired, paired};
pub use resample::{Draws, Interval, interval, intervals};
pub use summary::{Judgement, table, write_summary};
pub use wilcoxon::{Wilcoxon, wilcoxon};
