//! Section `base`: which pretrained model, and how its frozen weights are held.

use serde::{Deserialize, Serialize};

use crate::recipe::shape::{section, words};

words! {
    /// Which numbers the network begins with.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Weights {
        /// Those of its checkpoint.
        Pretrained,
        /// Drawn by the seed for the base's own shape: what its pretraining is worth shows against this.
        Random,
    }
}

section! {
    /// `base: NAME` or `base: {name: NAME, precision: int8}`; the short form is opened up before this
    /// is read.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct BaseSettings {
        /// A folder in the hub's layout, a name on the hub, or `pocket`, which is built in [must be given].
        pub name: String,
        /// Branch, tag or commit on the hub [main].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub revision: Option<String>,
        /// How frozen weights are held: `f32`, `bf16`, `int8` or `nf4` [f32].
        #[serde(default = "f32_name")]
        pub precision: String,
        /// Which numbers the network begins with; a belt on random ones is refused on the base itself [pretrained].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub weights: Option<Weights>,
    }
}

impl BaseSettings {
    /// Whether the network begins with numbers that nobody trained.
    pub fn is_random(&self) -> bool {
        self.weights == Some(Weights::Random)
    }
}

fn f32_name() -> String {
    "f32".into()
}
