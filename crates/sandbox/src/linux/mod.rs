//! The layers on Linux (5.14 or later): built by the child before it starts the program, checked by
//! the parent before it lets the child go on.
//!
//! Read in this order: `plan.rs` (all that is known before the child exists), `launch.rs` (the
//! parent's side), `inside.rs` and `tree.rs` (the child's side), `session.rs` (bytes, clocks, the
//! end), `probe.rs` (is all of it really there?).

mod call;
mod groups;
mod inside;
mod launch;
mod message;
mod plan;
mod probe;
mod session;
mod tree;

pub use session::Session;

use crate::ending::Ending;
use crate::error::{Error, Result};
use crate::layer::Layers;
use crate::program::Program;

/// Layers that were found to work on this machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    layers: Layers,
}

impl Sandbox {
    /// A sandbox with every layer. Each was tried a moment ago, and what is missing is named.
    pub fn complete() -> Result<Sandbox> {
        let missing = probe::missing(Layers::all())?;
        match missing.is_empty() {
            true => Ok(Sandbox {
                layers: Layers::all(),
            }),
            false => Err(Error::Missing { missing }),
        }
    }

    /// A sandbox with some of the layers, for tests of what each of them is good for, and for users
    /// who said that they want it so.
    pub fn incomplete(layers: Layers) -> Result<Sandbox> {
        let missing = probe::missing(layers)?;
        match missing.is_empty() {
            true => Ok(Sandbox { layers }),
            false => Err(Error::Missing { missing }),
        }
    }

    /// A sandbox with the layers that this machine has, however few. Only after an explicit flag.
    pub fn as_far_as_possible() -> Result<Sandbox> {
        let mut layers = Layers::all();
        loop {
            let missing = probe::missing(layers)?;
            if missing.is_empty() {
                return Ok(Sandbox { layers });
            }
            for (layer, _) in missing {
                layers = layers.without(layer);
            }
        }
    }

    pub fn layers(&self) -> Layers {
        self.layers
    }

    /// Starts a program and leaves it running, to be asked and answered.
    pub fn start(&self, program: &Program) -> Result<Session> {
        Session::start(self.layers, program)
    }

    /// Runs a program to its end on a fixed input.
    pub fn run(&self, program: &Program, input: &[u8]) -> Result<Ending> {
        let mut session = self.start(program)?;
        session.send(input)?;
        session.finish()
    }
}
