//! The list of a network's parameters, each once however often it is tied.

use std::collections::BTreeSet;

use skillbelt_engine::ops::{Linear, Map, Norm};
use skillbelt_engine::{Param, ParamId};

/// Gathers parameters in the order in which they are shown to it.
#[derive(Default)]
pub struct Inventory {
    params: Vec<Param>,
    seen: BTreeSet<ParamId>,
}

impl Inventory {
    pub fn param(&mut self, param: &Param) {
        if self.seen.insert(param.id()) {
            self.params.push(param.clone());
        }
    }

    pub fn map(&mut self, map: &Map) {
        if let Map::Trained(param) = map {
            self.param(param);
        }
    }

    pub fn linear(&mut self, linear: &Linear) {
        self.map(&linear.map);
        if let Some(bias) = &linear.bias {
            self.param(bias);
        }
    }

    pub fn norm(&mut self, norm: &Norm) {
        self.param(&norm.weight);
        if let Some(bias) = &norm.bias {
            self.param(bias);
        }
    }

    pub fn into_params(self) -> Vec<Param> {
        self.params
    }
}
