//! A named matrix of a model or a belt, frozen or trained, and the gradients of the trained ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::mat::Mat;

/// A named matrix that many places of a model may share. Its name is its key in a checkpoint.
#[derive(Clone)]
pub struct Param(Arc<Inner>);

struct Inner {
    id: u64,
    name: String,
    trained: bool,
    value: RwLock<Arc<Mat>>,
}

impl Param {
    /// A matrix that never changes and gets no gradient.
    pub fn frozen(name: impl Into<String>, value: Mat) -> Param {
        Param::new(name.into(), value, false)
    }

    /// A matrix that gets a gradient in every backward pass and that an optimiser may change.
    pub fn trained(name: impl Into<String>, value: Mat) -> Param {
        Param::new(name.into(), value, true)
    }

    fn new(name: String, value: Mat, trained: bool) -> Param {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Param(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name,
            trained,
            value: RwLock::new(Arc::new(value)),
        }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn is_trained(&self) -> bool {
        self.0.trained
    }

    /// The numbers as they are now; later updates do not reach the returned handle.
    pub fn value(&self) -> Arc<Mat> {
        Arc::clone(&self.0.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the numbers in place (copying them first if somebody still holds the old ones).
    pub fn update(&self, change: impl FnOnce(&mut Mat)) {
        let mut value = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut value));
    }

    /// Tells parameters apart; ascends in the order of their creation.
    pub fn id(&self) -> ParamId {
        ParamId(self.0.id)
    }
}

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.trained { "trained" } else { "frozen" };
        write!(f, "{} {} ({kind})", self.0.name, self.value().shape_text())
    }
}

/// Identity of a parameter within this process; not stable between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamId(u64);

/// Gradients of the trained parameters, summed over however many backward passes were made.
#[derive(Debug, Default)]
pub struct Grads {
    by_param: BTreeMap<ParamId, Mat>,
}

impl Grads {
    pub fn new() -> Grads {
        Grads::default()
    }

    /// Adds to the gradient of a parameter.
    pub fn add(&mut self, param: &Param, grad: Mat) {
        match self.by_param.get_mut(&param.id()) {
            Some(sum) => sum.add_assign(&grad),
            None => {
                self.by_param.insert(param.id(), grad);
            }
        }
    }

    /// The gradient of a parameter, if any loss reached it.
    pub fn get(&self, param: &Param) -> Option<&Mat> {
        self.by_param.get(&param.id())
    }

    /// Takes the gradient of a parameter out.
    pub fn take(&mut self, param: &Param) -> Option<Mat> {
        self.by_param.remove(&param.id())
    }

    /// How many parameters got a gradient.
    pub fn len(&self) -> usize {
        self.by_param.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_param.is_empty()
    }

    /// Every gradient, in the order in which the parameters were made.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Mat> {
        self.by_param.values_mut()
    }
}
