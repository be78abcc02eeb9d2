//! Section `base`: which pretrained model, and how its frozen weights are held.

use serde::{Deserialize, Serialize};

use crate::recipe::shape::section;

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
    }
}

fn f32_name() -> String {
    "f32".into()
}
