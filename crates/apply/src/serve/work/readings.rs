//! Texts that are being read: which of them go into the next batch, and whose answers come out of it.
//!
//! Requests take turns text by text, so that a request of one text waits for a batch and not for a
//! request of a thousand texts. It computes nothing itself.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;

use skillbelt_engine::Mat;
use tokio::sync::oneshot;

use super::desk::Desk;
use super::order::{Reading, Way};
use crate::serve::refusal::Refusal;

/// The requests whose texts are not all read yet; the one whose turn it is stands first.
#[derive(Default)]
pub struct Readings {
    open: VecDeque<Open>,
}

struct Open {
    way: Way,
    texts: Vec<Vec<u32>>,
    /// How many of them have been in a batch.
    taken: usize,
    /// `[texts read so far x C]`, laid end to end.
    rows: Vec<f32>,
    reply: oneshot::Sender<Result<Mat, Refusal>>,
}

impl Open {
    fn left(&self) -> (usize, usize) {
        let texts = &self.texts[self.taken..];
        (texts.len(), texts.iter().map(Vec::len).sum())
    }
}

/// One batch: texts of one way of reading, each once.
pub struct Batch {
    pub way: Way,
    /// Distinct texts.
    pub texts: Vec<Vec<u32>>,
    pub tokens: usize,
    /// For each request of the batch, by its place, the rows of its texts.
    rows: Vec<(usize, Vec<usize>)>,
}

impl Readings {
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub fn add(&mut self, reading: Reading) {
        self.open.push_back(Open {
            way: reading.way,
            texts: reading.texts,
            taken: 0,
            rows: Vec::new(),
            reply: reading.reply,
        });
    }

    /// Lets go of requests that nobody waits for any more.
    pub fn drop_unwanted(&mut self, desk: &Desk) {
        self.open.retain(|open| {
            let wanted = !open.reply.is_closed();
            if !wanted {
                let (texts, tokens) = open.left();
                desk.done_reading(texts, tokens);
            }
            wanted
        });
    }

    /// The next batch, of at most so many tokens, but at least one text. All requests that are read in
    /// the way of the first one give a text in turn.
    pub fn batch(&mut self, budget: usize, desk: &Desk) -> Option<Batch> {
        let way = self.open.front()?.way;
        let (mut taken_texts, mut taken_tokens) = (0, 0);
        let mut places: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut batch = Batch {
            way,
            texts: Vec::new(),
            tokens: 0,
            rows: Vec::new(),
        };
        let mut turn: VecDeque<usize> = (0..self.open.len())
            .filter(|place| self.open[*place].way == way)
            .collect();
        let mut rows: HashMap<usize, Vec<usize>> = HashMap::new();
        while let Some(place) = turn.pop_front() {
            let open = &mut self.open[place];
            let Some(text) = open.texts.get_mut(open.taken) else {
                continue;
            };
            let row = match places.get(text.as_slice()) {
                Some(row) => {
                    desk.numbers.same_texts.fetch_add(1, Relaxed);
                    *row
                }
                None if !batch.texts.is_empty() && batch.tokens + text.len() > budget => break,
                None => {
                    let row = batch.texts.len();
                    batch.tokens += text.len();
                    batch.texts.push(text.clone());
                    places.insert(text.clone(), row);
                    row
                }
            };
            taken_texts += 1;
            taken_tokens += text.len();
            *text = Vec::new();
            open.taken += 1;
            rows.entry(place).or_default().push(row);
            turn.push_back(place);
        }
        batch.rows = rows.into_iter().collect();
        desk.done_reading(taken_texts, taken_tokens);
        desk.numbers
            .read_texts
            .fetch_add(taken_texts as u64, Relaxed);
        Some(batch)
    }

    /// Takes the vectors `[texts x C]` of a batch in, or the reason why there are none.
    pub fn finish(&mut self, batch: Batch, vectors: Result<Mat, Refusal>, desk: &Desk) {
        for (place, rows) in &batch.rows {
            let open = &mut self.open[*place];
            if let Ok(vectors) = &vectors {
                let width = vectors.cols();
                open.rows
                    .reserve(open.texts.len() * width - open.rows.len());
                rows.iter()
                    .for_each(|row| open.rows.extend_from_slice(vectors.row(*row)));
            }
        }
        let waiting = std::mem::take(&mut self.open).into_iter().enumerate();
        let of_batch: HashMap<usize, ()> =
            batch.rows.iter().map(|(place, _)| (*place, ())).collect();
        let mut first = None;
        for (place, open) in waiting {
            match (&vectors, of_batch.contains_key(&place)) {
                (Err(refusal), true) => {
                    let (texts, tokens) = open.left();
                    desk.done_reading(texts, tokens);
                    let _gone = open.reply.send(Err(refusal.clone()));
                }
                (Ok(vectors), true) if open.taken == open.texts.len() => {
                    let rows = Mat::from_vec(open.texts.len(), vectors.cols(), open.rows);
                    let _gone = open.reply.send(Ok(rows));
                }
                // The one that had its turn goes to the end, so that other ways of reading come next.
                _ if place == 0 => first = Some(open),
                _ => self.open.push_back(open),
            }
        }
        self.open.extend(first);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::serve::limits::Limits;

    fn desk() -> Desk {
        Desk::new(&Limits::default(), Arc::default())
    }

    type Reply = oneshot::Receiver<Result<Mat, Refusal>>;

    fn add(readings: &mut Readings, way: Way, texts: &[&[u32]]) -> Reply {
        let (reply, answer) = oneshot::channel();
        let texts = texts.iter().map(|text| text.to_vec()).collect();
        readings.add(Reading { way, texts, reply });
        answer
    }

    /// The vector of a text is its first token and its length.
    fn vectors(batch: &Batch) -> Mat {
        let rows = batch.texts.iter();
        let numbers = rows.flat_map(|text| [text[0] as f32, text.len() as f32]);
        Mat::from_vec(batch.texts.len(), 2, numbers.collect())
    }

    /// Runs until all is read; the texts of each batch.
    fn run(readings: &mut Readings, desk: &Desk, budget: usize) -> Vec<(Way, Vec<Vec<u32>>)> {
        let mut seen = Vec::new();
        while let Some(batch) = readings.batch(budget, desk) {
            assert!(batch.texts.len() == 1 || batch.tokens <= budget);
            seen.push((batch.way, batch.texts.clone()));
            let vectors = vectors(&batch);
            readings.finish(batch, Ok(vectors), desk);
        }
        assert!(readings.is_empty());
        seen
    }

    fn got(mut reply: Reply) -> Vec<f32> {
        reply.try_recv().unwrap().unwrap().data().to_vec()
    }

    #[test]
    fn everybody_gets_the_vectors_of_their_own_texts_in_their_own_order() {
        let (mut readings, desk) = (Readings::default(), desk());
        let first = add(&mut readings, (0, 0), &[&[1], &[2, 2], &[3, 3, 3]]);
        let second = add(&mut readings, (0, 0), &[&[2, 2], &[4]]);
        let batches = run(&mut readings, &desk, 100);
        // One batch, and the text that both have stands in it once.
        let texts = vec![vec![1], vec![2, 2], vec![4], vec![3, 3, 3]];
        assert_eq!(batches, [((0, 0), texts)]);
        assert_eq!(got(first), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(got(second), [2.0, 2.0, 4.0, 1.0]);
        assert_eq!(desk.numbers.same_texts.load(Relaxed), 1);
    }

    #[test]
    fn a_small_request_does_not_wait_for_a_large_one_of_the_same_way_or_another() {
        let (mut readings, desk) = (Readings::default(), desk());
        let many: Vec<Vec<u32>> = (0..50).map(|n| vec![n + 1; 10]).collect();
        let many: Vec<&[u32]> = many.iter().map(|text| &text[..]).collect();
        let large = add(&mut readings, (0, 0), &many);
        let mut same = add(&mut readings, (0, 0), &[&[70]]);
        let mut other = add(&mut readings, (1, 0), &[&[80]]);
        for turn in 0..2 {
            let batch = readings.batch(40, &desk).unwrap();
            let vectors = vectors(&batch);
            readings.finish(batch, Ok(vectors), &desk);
            assert_eq!(same.try_recv().is_ok(), turn == 0);
            assert_eq!(other.try_recv().is_ok(), turn == 1);
        }
        run(&mut readings, &desk, 40);
        assert_eq!(got(large).len(), 100);
    }

    #[test]
    fn a_batch_that_fails_fails_its_requests_and_no_others() {
        let (mut readings, desk) = (Readings::default(), desk());
        let mut broken = add(&mut readings, (0, 0), &[&[1], &[2; 50]]);
        let whole = add(&mut readings, (0, 1), &[&[3]]);
        let batch = readings.batch(10, &desk).unwrap();
        readings.finish(batch, Err(Refusal::failed("x")), &desk);
        assert!(broken.try_recv().unwrap().is_err());
        run(&mut readings, &desk, 10);
        assert_eq!(got(whole), [3.0, 1.0]);
    }

    #[test]
    fn the_desk_is_empty_when_all_is_read_or_unwanted() {
        let desk = desk();
        let mut readings = Readings::default();
        let kept = desk.read((0, 0), vec![vec![1; 4], vec![2; 5]]).unwrap();
        drop(desk.read((0, 0), vec![vec![1; 4], vec![2; 5]]).unwrap());
        desk.take(false)
            .readings
            .into_iter()
            .for_each(|one| readings.add(one));
        assert_eq!(desk.load(), (4, 18, 0));
        readings.drop_unwanted(&desk);
        assert_eq!(desk.load(), (2, 9, 0));
        run(&mut readings, &desk, 5);
        assert_eq!(desk.load(), (0, 0, 0));
        assert_eq!(got(kept).len(), 4);
    }
}
