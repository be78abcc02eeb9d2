//! All that a run must remember to go on to the byte, and how it stands in a checkpoint.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skillbelt_engine::{Mat, Param};

use super::moments::Moment;
use super::step::Run;
use crate::error::{Error, Result};
use crate::mix::Cursors;
use crate::optimise::{read_numbers, write_numbers};
use crate::report::log::{Lengths, Window};

const STATE: &str = "state.json";
const PARAMS: &str = "params.bin";
const OPTIMISER: &str = "optimiser.bin";

/// Everything but the large arrays.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    step: u64,
    /// Hash of the identity of the run.
    identity: String,
    cursors: Cursors,
    balance: Value,
    frozen: Vec<bool>,
    windows: Vec<Window>,
    history: Vec<Moment>,
    /// Steps of the moments whose parameters are in files of their own.
    kept: Vec<u64>,
    tokens: u64,
    seconds: f64,
    lengths: Lengths,
    /// Name and shape of each parameter, in the order of the files.
    params: Vec<(String, usize, usize)>,
}

impl Run<'_> {
    /// Writes a checkpoint of this moment.
    pub(super) fn save(&mut self) -> Result<()> {
        let mut lengths = self.log.sync()?;
        if let Some(adviser) = &mut self.adviser {
            lengths.advice = adviser.sync()?;
        }
        let state = State {
            step: self.step,
            identity: self.folder.identity_hash().to_owned(),
            cursors: self.mixture.cursors().clone(),
            balance: self.balance.state(),
            frozen: self.frozen.clone(),
            windows: self.windows.clone(),
            history: self.moments.history().to_vec(),
            kept: self.moments.kept().keys().copied().collect(),
            tokens: self.tokens,
            seconds: self.meter.seconds(),
            lengths,
            params: shapes(&self.workshop.params),
        };
        let (params, optimiser) = (&self.workshop.params, &self.optimiser);
        self.folder.checkpoints().save(self.step, |building| {
            building.file(STATE, |out| {
                serde_json::to_writer_pretty(out, &state).map_err(std::io::Error::from)
            })?;
            let values: Vec<Arc<Mat>> = params.iter().map(Param::value).collect();
            building.file(PARAMS, |out| write_values(&values, out))?;
            building.file(OPTIMISER, |out| optimiser.write(params, out))?;
            for (step, values) in self.moments.kept() {
                building.file(&moment(*step), |out| write_values(values, out))?;
            }
            Ok(())
        })?;
        self.watch.saved(self.step);
        Ok(())
    }

    /// Takes over a checkpoint.
    pub(super) fn restore(&mut self, folder: &Path) -> Result<()> {
        let state = read_state(folder)?;
        let path = folder.join(STATE);
        if state.identity != self.folder.identity_hash() {
            return Err(Error::told(format_args!(
                "{}: made under another recipe, base or data (hash {}, now {})",
                path.display(),
                state.identity,
                self.folder.identity_hash()
            )));
        }
        let params = &self.workshop.params;
        if state.params != shapes(params) {
            return Err(Error::told(format_args!(
                "{}: holds other parameters than this belt and these heads have",
                path.display()
            )));
        }
        let values = read_values(&folder.join(PARAMS), params)?;
        set_values(params, &values);
        with_file(&folder.join(OPTIMISER), |input| {
            self.optimiser.read(params, input)
        })?;
        let mut kept = BTreeMap::new();
        for step in state.kept {
            kept.insert(step, read_values(&folder.join(moment(step)), params)?);
        }
        self.moments.restore(state.history, kept);
        self.mixture.restore(state.cursors);
        self.balance.restore(state.balance)?;
        self.step = state.step;
        self.frozen = state.frozen;
        self.windows = state.windows;
        self.tokens = state.tokens;
        self.meter = crate::report::machine::Meter::start(state.seconds);
        Ok(())
    }
}

/// How far the log was good when the checkpoint was made.
pub(super) fn lengths(folder: &Path) -> Result<Lengths> {
    Ok(read_state(folder)?.lengths)
}

fn moment(step: u64) -> String {
    format!("moment-{step:09}.bin")
}

fn shapes(params: &[Param]) -> Vec<(String, usize, usize)> {
    let shape = |param: &Param| {
        let (rows, cols) = param.value().shape();
        (param.name().to_owned(), rows, cols)
    };
    params.iter().map(shape).collect()
}

fn read_state(folder: &Path) -> Result<State> {
    let path = folder.join(STATE);
    let text = fs_err::read(&path).map_err(|error| Error::io(&path, error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))
}

/// Puts numbers into the parameters.
pub(super) fn set_values(params: &[Param], values: &[Arc<Mat>]) {
    for (param, value) in params.iter().zip(values) {
        param.update(|mat| mat.data_mut().copy_from_slice(value.data()));
    }
}

fn write_values(values: &[Arc<Mat>], out: &mut dyn Write) -> std::io::Result<()> {
    values
        .iter()
        .try_for_each(|value| write_numbers(value.data(), out))
}

fn read_values(path: &Path, params: &[Param]) -> Result<Vec<Arc<Mat>>> {
    let mut values = Vec::new();
    with_file(path, |input| {
        for param in params {
            let (rows, cols) = param.value().shape();
            let mut value = Mat::zeros(rows, cols);
            read_numbers(value.data_mut(), input)?;
            values.push(Arc::new(value));
        }
        Ok(())
    })?;
    Ok(values)
}

/// Reads a file to its very end.
fn with_file(path: &Path, read: impl FnOnce(&mut dyn Read) -> std::io::Result<()>) -> Result<()> {
    let told = |error| Error::io(path, error);
    let mut input = BufReader::new(fs_err::File::open(path).map_err(told)?);
    read(&mut input).map_err(told)?;
    match input.read(&mut [0]).map_err(told)? {
        0 => Ok(()),
        _ => Err(Error::told(format_args!(
            "{}: longer than the parameters of this run",
            path.display()
        ))),
    }
}
