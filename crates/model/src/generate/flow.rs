//! Writing that goes on while others come and go: a batch that is taken step by step, so that
//! whoever holds it can do other work between two tokens.
//!
//! Each text is what [`Writer::write`] would have made of it alone: its batch cannot be seen in it.
//! It knows no queue and no time; beams are not followed here, because a search does not grow by
//! final tokens.

use super::lines::Line;
use super::reader::{NetworkReader, Reader};
use super::{Choice, Error, Job, Listener, Options, Prompt, Result, Room, Writer, Written};

/// A text that is to be written.
#[derive(Debug, Clone)]
pub struct Asked {
    /// By which the caller knows it.
    pub key: usize,
    pub prompt: Prompt,
    pub options: Options,
}

/// A batch of texts, each at its own place.
pub struct Flow<'b> {
    writer: &'b Writer<'b>,
    reader: Option<NetworkReader<'b>>,
    going: Vec<Going<'b>>,
}

/// One text while it is written.
struct Going<'b> {
    asked: Asked,
    opening: Vec<u32>,
    room: Room,
    line: Line<'b>,
}

impl<'b> Flow<'b> {
    /// Nothing to write yet.
    pub fn new(writer: &'b Writer<'b>) -> Flow<'b> {
        Flow {
            writer,
            reader: None,
            going: Vec::new(),
        }
    }

    /// How many texts are being written.
    pub fn len(&self) -> usize {
        self.going.len()
    }

    pub fn is_empty(&self) -> bool {
        self.going.is_empty()
    }

    /// Reads the prompts of new texts and writes the first token of each; gives those that end with
    /// it. Refused prompts and options are refused before anything is read; [`Writer::admits`] tells
    /// beforehand.
    pub fn admit(
        &mut self,
        asked: Vec<Asked>,
        listener: Listener<'_>,
    ) -> Result<Vec<(usize, Written)>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let going = asked.into_iter().map(|asked| self.begin(asked));
        let mut going = going.collect::<Result<Vec<_>>>()?;
        let prompts: Vec<&[u32]> = going.iter().map(|one| &one.asked.prompt.ids[..]).collect();
        let (network, role, task) = (self.writer.network, self.writer.role, self.writer.task);
        let mut reader = NetworkReader::begin(network, role, task, &prompts)?;
        let openings: Vec<&[u32]> = going.iter().map(|one| &one.opening[..]).collect();
        let mut logits = reader.read(&openings)?;
        for (row, one) in going.iter_mut().enumerate() {
            one.step(self.writer, &mut logits, row, listener)?;
        }
        let ended = part(self.writer, &mut going, &mut reader);
        if !going.is_empty() {
            match &mut self.reader {
                Some(own) => own.join(reader)?,
                none => *none = Some(reader),
            }
            self.going.extend(going);
        }
        Ok(ended)
    }

    /// One more token of every text; gives those that end with it.
    pub fn step(&mut self, listener: Listener<'_>) -> Result<Vec<(usize, Written)>> {
        let Some(reader) = &mut self.reader else {
            return Ok(Vec::new());
        };
        let last: Vec<&[u32]> = self.going.iter().map(Going::last).collect();
        let mut logits = reader.read(&last)?;
        for (row, one) in self.going.iter_mut().enumerate() {
            one.step(self.writer, &mut logits, row, listener)?;
        }
        let ended = part(self.writer, &mut self.going, reader);
        self.rest();
        Ok(ended)
    }

    /// Lets go of texts that nobody wants any more.
    pub fn drop_all(&mut self, unwanted: impl Fn(usize) -> bool) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        let kept: Vec<usize> = (0..self.going.len())
            .filter(|row| !unwanted(self.going[*row].asked.key))
            .collect();
        if kept.len() == self.going.len() {
            return;
        }
        self.going.retain(|one| !unwanted(one.asked.key));
        if !kept.is_empty() {
            reader.select(&kept);
        }
        self.rest();
    }

    /// What is remembered is given back with the last text.
    fn rest(&mut self) {
        if self.going.is_empty() {
            self.reader = None;
        }
    }

    fn begin(&self, asked: Asked) -> Result<Going<'b>> {
        Ok(Going {
            opening: self.writer.opening(&asked.prompt),
            room: self.writer.room_in_flow(&asked.prompt, &asked.options)?,
            line: Line::begin(self.writer.tokenizer, &asked.options, 0),
            asked,
        })
    }
}

impl Writer<'_> {
    /// Refuses what a [`Flow`] would refuse.
    pub fn admits(&self, prompt: &Prompt, options: &Options) -> Result<()> {
        self.room_in_flow(prompt, options).map(|_| ())
    }

    fn room_in_flow(&self, prompt: &Prompt, options: &Options) -> Result<Room> {
        options.check()?;
        if let Choice::Beams(_) = options.choice {
            return Err(Error::option("beams", "none in a flow of texts", "some"));
        }
        self.room(prompt, options)
    }
}

impl Going<'_> {
    /// Chooses the next token from a row of the logits `[S x V]`.
    fn step(
        &mut self,
        writer: &Writer<'_>,
        logits: &mut skillbelt_engine::Mat,
        row: usize,
        listener: Listener<'_>,
    ) -> Result<()> {
        let job = job(writer, &self.asked, &self.opening, &self.room);
        let key = self.asked.key;
        let listener = &mut |_, piece: &str| listener(key, piece);
        self.line.step(&job, logits, row, listener)
    }

    fn last(&self) -> &[u32] {
        self.line.last()
    }

    fn has_ended(&self) -> bool {
        self.line.has_ended()
    }

    fn into_written(self, writer: &Writer<'_>) -> (usize, Written) {
        let job = job(writer, &self.asked, &self.opening, &self.room);
        (self.asked.key, self.line.into_written(&job))
    }
}

/// One text as a batch of its own.
fn job<'j>(
    writer: &'j Writer<'_>,
    asked: &'j Asked,
    opening: &'j Vec<u32>,
    room: &'j Room,
) -> Job<'j> {
    Job {
        tokenizer: writer.tokenizer,
        ends: &writer.habits.ends,
        options: &asked.options,
        prompts: std::slice::from_ref(&asked.prompt),
        openings: std::slice::from_ref(opening),
        rooms: std::slice::from_ref(room),
    }
}

/// Takes those out that have ended.
fn part<'b>(
    writer: &Writer<'_>,
    going: &mut Vec<Going<'b>>,
    reader: &mut NetworkReader<'_>,
) -> Vec<(usize, Written)> {
    let left: Vec<usize> = (0..going.len())
        .filter(|row| !going[*row].has_ended())
        .collect();
    if left.len() == going.len() {
        return Vec::new();
    }
    let all = std::mem::take(going).into_iter();
    let (ended, running): (Vec<_>, Vec<_>) = all.partition(Going::has_ended);
    *going = running;
    if !left.is_empty() {
        reader.select(&left);
    }
    let written = ended.into_iter().map(|one| one.into_written(writer));
    written.collect()
}
