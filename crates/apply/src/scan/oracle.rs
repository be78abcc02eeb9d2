//! Who answers: a belt that is opened when the first text must be read, and not before.

use skillbelt_train::Result;

/// Answers of tasks to texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// By task as they were asked, by text: the probability of every class.
    pub shares: Vec<Vec<Vec<f32>>>,
    /// By text, a vector of length one, if vectors were wanted; texts that mean the same have a large
    /// product.
    pub vectors: Vec<Vec<f32>>,
}

/// Reads texts once and answers all tasks.
pub trait Oracle {
    /// What the tasks say of each text, and if it is wanted the vector of each.
    fn read(&mut self, tasks: &[&str], texts: &[&str], vectors: bool) -> Result<Answers>;

    /// What a task of pairs says of each: the probability of every class.
    fn compare(&mut self, task: &str, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>>;
}

/// An oracle that is made when it is first asked.
pub struct Lazily<O, F> {
    open: Option<F>,
    opened: Option<O>,
}

impl<O: Oracle, F: FnOnce() -> Result<O>> Lazily<O, F> {
    pub fn new(open: F) -> Lazily<O, F> {
        Lazily {
            open: Some(open),
            opened: None,
        }
    }

    fn opened(&mut self) -> Result<&mut O> {
        if let Some(open) = self.open.take() {
            self.opened = Some(open()?);
        }
        self.opened
            .as_mut()
            .ok_or_else(|| skillbelt_train::Error::told("the belt could not be opened before"))
    }
}

impl<O: Oracle, F: FnOnce() -> Result<O>> Oracle for Lazily<O, F> {
    fn read(&mut self, tasks: &[&str], texts: &[&str], vectors: bool) -> Result<Answers> {
        self.opened()?.read(tasks, texts, vectors)
    }

    fn compare(&mut self, task: &str, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>> {
        self.opened()?.compare(task, pairs)
    }
}
