//! Section `evaluation`: when the validation rows are asked, and which moment is shipped.

use serde::{Deserialize, Serialize};

use crate::recipe::shape::{section, words};

words! {
    /// Which moment of a multi-task run becomes the belt.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Policy {
        /// The highest mean of the tasks' metrics.
        Mean,
        /// The smallest worst distance of any task from its own best.
        WorstRegret,
        /// The last step.
        Last,
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Evaluation {
        /// Steps between evaluations; 0: at the end of each epoch.
        pub eval_steps: u64,
        /// Which moment becomes the belt.
        pub policy: Policy,
        /// Also keep, for each task, the belt of that task's own best moment.
        pub per_task_snapshots: bool,
        /// Evaluate the untrained belt too, as step 0.
        pub eval_before: bool,
        /// Ask the test rows once, of the shipped belt.
        pub test_at_end: bool,
        /// Steps between looks at how tasks get on with each other, for `skillbelt advise`; changes nothing that is learnt [none is made].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub advise_every: Option<u64>,
    }
}

impl Default for Evaluation {
    fn default() -> Evaluation {
        Evaluation {
            eval_steps: 0,
            policy: Policy::Mean,
            per_task_snapshots: false,
            eval_before: true,
            test_at_end: true,
            advise_every: None,
        }
    }
}
