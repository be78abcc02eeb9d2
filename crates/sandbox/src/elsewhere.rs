//! Systems without the layers: nothing is run, and the refusal says so.

use crate::ending::Ending;
use crate::error::{Error, Result};
use crate::layer::Layers;
use crate::program::Program;

/// Cannot be made here.
#[derive(Debug, Clone)]
pub struct Sandbox(std::convert::Infallible);

/// Cannot be made here.
#[derive(Debug)]
pub struct Session(std::convert::Infallible);

impl Sandbox {
    pub fn complete() -> Result<Sandbox> {
        Err(Error::NotLinux)
    }

    pub fn incomplete(_layers: Layers) -> Result<Sandbox> {
        Err(Error::NotLinux)
    }

    pub fn as_far_as_possible() -> Result<Sandbox> {
        Err(Error::NotLinux)
    }

    pub fn layers(&self) -> Layers {
        match self.0 {}
    }

    pub fn start(&self, _program: &Program) -> Result<Session> {
        match self.0 {}
    }

    pub fn run(&self, _program: &Program, _input: &[u8]) -> Result<Ending> {
        match self.0 {}
    }
}

impl Session {
    pub fn send(&mut self, _bytes: &[u8]) -> Result<bool> {
        match self.0 {}
    }

    pub fn receive(&mut self, _enough: &dyn Fn(&[u8]) -> Option<usize>) -> Result<Option<Vec<u8>>> {
        match self.0 {}
    }

    pub fn finish(self) -> Result<Ending> {
        match self.0 {}
    }

    pub fn stop(self) -> Result<Ending> {
        match self.0 {}
    }
}
