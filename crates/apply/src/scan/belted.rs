//! A belt on its base as an [`Oracle`]: texts that tasks read alike are encoded once for all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use skillbelt_engine::{Mat, Precision};
use skillbelt_model::belt::folder::BeltFile;
use skillbelt_train::data::Content;
use skillbelt_train::evaluate::Example;
use skillbelt_train::predict::Outcome;
use skillbelt_train::task::{Side, Task};
use skillbelt_train::{Error, Result};

use super::oracle::{Answers, Oracle};
use crate::checkout::Hash;
use crate::reader::{Reader, Way};

/// Vectors that are remembered; a scan with more texts reads some of them again.
const MET: usize = 1 << 18;
/// Files of a base beside its weights that change what is read.
const BESIDE: &[&str] = &["json", "txt", "model"];

/// A belt that is worn.
pub struct Belted {
    reader: Reader,
    /// How texts become the vectors that are compared.
    near: Way,
    /// Ways in which tasks of pairs read a text alone.
    paired: BTreeSet<Way>,
    /// What was read in these ways, so that no text is read once more for its pairs.
    met: HashMap<(Way, Hash), Vec<f32>>,
}

impl Belted {
    pub fn open(belt: &Path, base: &Path, precision: Option<Precision>) -> Result<Belted> {
        let reader = Reader::open(belt, base, precision)?;
        // The way that most functions are read in anyway, so that no text is read for vectors alone.
        let classes = |task: &&Task| !task.objective.labels().is_empty();
        let tasks = reader.tasks().iter().filter(classes).chain(reader.tasks());
        let mut ways = tasks.filter_map(|task| reader.way(task, Side::Candidate));
        let near = ways.next().or_else(|| reader.ways().next());
        let near =
            near.ok_or_else(|| Error::told("the belt has no task that reads a text alone"))?;
        let records = reader.card().map_or(&[][..], |card| &card.tasks);
        let pairs = records.iter().filter(|record| record.objective == "pair");
        let paired = pairs
            .filter_map(|record| reader.way(reader.task(&record.name).ok()?, Side::Candidate))
            .collect();
        Ok(Belted {
            reader,
            near,
            paired,
            met: HashMap::new(),
        })
    }

    /// The vectors of texts in a way, `[texts x C]`, and which of them there was nothing to read of.
    fn vectors(&self, way: Way, texts: &[&str]) -> Result<(Mat, Vec<bool>)> {
        let ids = texts.iter().map(|text| self.reader.ids(way, text));
        let ids: Vec<Option<Vec<u32>>> = ids.collect::<Result<_>>()?;
        let empty = ids.iter().map(Option::is_none).collect();
        // What has nothing to read is read as the beginning of any text, and not believed.
        let ids: Vec<Vec<u32>> = ids
            .into_iter()
            .map(|ids| ids.unwrap_or_else(|| vec![0]))
            .collect();
        Ok((self.reader.vectors(way, &ids)?, empty))
    }

    /// Remembers what pairs of these texts will be asked by.
    fn meet(&mut self, way: Way, texts: &[&str], vectors: &Mat) {
        if !self.paired.contains(&way) {
            return;
        }
        for (row, text) in texts.iter().enumerate() {
            if self.met.len() == MET {
                self.met.clear();
            }
            let place = (way, Hash::of(text.as_bytes()));
            self.met.insert(place, vectors.row(row).to_vec());
        }
    }

    fn compared(&mut self, name: &str, way: Way, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut texts = Vec::new();
        let mut place = |text| {
            *places.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            })
        };
        let (ones, others): (Vec<usize>, Vec<usize>) = pairs
            .iter()
            .map(|(one, other)| (place(one), place(other)))
            .unzip();
        let hash = |text: &str| (way, Hash::of(text.as_bytes()));
        let is_new = |text: &&str| !self.met.contains_key(&hash(text));
        let new: Vec<&str> = texts.iter().copied().filter(is_new).collect();
        let (read, _) = self.vectors(way, &new)?;
        let mut fresh = 0..read.rows();
        let mut numbers = Vec::new();
        for text in &texts {
            match self.met.get(&hash(text)) {
                Some(known) => numbers.extend_from_slice(known),
                None => numbers.extend(fresh.next().map(|row| read.row(row)).unwrap_or(&[])),
            }
        }
        self.meet(way, &new, &read);
        let vectors = Mat::from_vec(texts.len(), numbers.len() / texts.len().max(1), numbers);
        let task = self.reader.task(name)?;
        let shares = self.reader.compare(task, vectors, (&ones, &others))?;
        Ok(narrowed(shares.ok_or_else(|| no_pairs(task))?))
    }

    fn joined(&self, task: &Task, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>> {
        let content = |(one, other): &(&str, &str)| Content::Pair {
            first: (*one).to_owned(),
            second: (*other).to_owned(),
            label: None,
        };
        let outcomes = self
            .reader
            .answer(task, pairs.iter().map(content).collect())?;
        // A pair that cannot be read is told out of its turn, by its number.
        let mut refused = BTreeSet::new();
        let mut answered = Vec::with_capacity(pairs.len());
        for outcome in outcomes {
            match outcome {
                Outcome::Answered(Example::Classed(classed)) => {
                    let share = |share: &Option<f64>| share.unwrap_or(0.0) as f32;
                    let shares = classed.probabilities.values().map(share);
                    answered.push(shares.collect::<Vec<f32>>());
                }
                Outcome::Rejected(rejection) => {
                    refused.insert(rejection.place.line);
                }
                _ => return Err(no_pairs(task)),
            }
        }
        let mut answered = answered.into_iter();
        let one = |line| match refused.contains(&line) {
            true => Ok(Vec::new()),
            false => answered.next().ok_or_else(|| no_pairs(task)),
        };
        (1..).take(pairs.len()).map(one).collect()
    }
}

impl Oracle for Belted {
    fn read(&mut self, tasks: &[&str], texts: &[&str], vectors: bool) -> Result<Answers> {
        let mut answers = Answers {
            shares: vec![Vec::new(); tasks.len()],
            vectors: Vec::new(),
        };
        let mut ways: BTreeMap<Way, Vec<usize>> = BTreeMap::new();
        for (at, name) in tasks.iter().enumerate() {
            let task = self.reader.task(name)?;
            let way = self
                .reader
                .way(task, Side::Candidate)
                .ok_or_else(|| no_class(name))?;
            ways.entry(way).or_default().push(at);
        }
        if vectors {
            ways.entry(self.near).or_default();
        }
        for (way, asked) in ways {
            let (found, empty) = self.vectors(way, texts)?;
            self.meet(way, texts, &found);
            for at in asked {
                let task = self.reader.task(tasks[at])?;
                let shares = self.reader.judge(task, found.clone())?;
                let mut shares = narrowed(shares.ok_or_else(|| no_class(tasks[at]))?);
                for (shares, _) in shares.iter_mut().zip(&empty).filter(|(_, empty)| **empty) {
                    shares.fill(0.0);
                }
                answers.shares[at] = shares;
            }
            if vectors && way == self.near {
                let units = Reader::units(found);
                answers.vectors = (0..units.rows())
                    .map(|row| units.row(row).to_vec())
                    .collect();
            }
        }
        Ok(answers)
    }

    fn compare(&mut self, task: &str, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>> {
        let task = self.reader.task(task)?;
        match self.reader.way(task, Side::Candidate) {
            Some(way) => {
                let name = task.name.clone();
                self.compared(&name, way, pairs)
            }
            None => self.joined(task, pairs),
        }
    }
}

/// What the answers of a belt depend on, known without opening a weight of the base: the belt's own
/// files, which name the base by its content, and the files beside the base's weights. That the base
/// is that one is checked when it is opened.
pub fn key(belt: &Path, card: &BeltFile, base: &Path, precision: &str) -> Result<Hash> {
    let mut hash = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    put(env!("CARGO_PKG_VERSION").as_bytes());
    put(precision.as_bytes());
    put(card.base.content_hash.as_bytes());
    for (folder, all) in [(belt, true), (base, false)] {
        let mut files = Vec::new();
        for entry in fs_err::read_dir(folder).map_err(Error::told)? {
            let path = entry.map_err(Error::told)?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            let beside = ending.is_some_and(|ending| BESIDE.contains(&ending));
            if path.is_file() && (all || beside) {
                files.push(path);
            }
        }
        files.sort();
        for path in files {
            put(path.file_name().unwrap_or_default().as_encoded_bytes());
            put(&fs_err::read(&path).map_err(Error::told)?);
        }
    }
    Ok(Hash::of(hash.finalize().as_bytes()))
}

fn narrowed(shares: Vec<Vec<f64>>) -> Vec<Vec<f32>> {
    let row = |row: Vec<f64>| row.into_iter().map(|share| share as f32).collect();
    shares.into_iter().map(row).collect()
}

fn no_class(task: &str) -> Error {
    Error::told(format_args!("task `{task}` gives no class of a text"))
}

fn no_pairs(task: &Task) -> Error {
    Error::told(format_args!(
        "task `{}` gives no class of a pair",
        task.name
    ))
}
