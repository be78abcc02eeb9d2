//! Sections `training` and `evaluation`: ranges, and options that go together.

use super::Checking;
use crate::recipe::{Balancing, Mixing};

impl Checking<'_> {
    pub(super) fn training(&mut self) {
        let training = self.resolved.recipe.training.clone();
        let at = |key: &'static str| ["training", key];
        for (key, value) in [
            ("learning_rate", training.learning_rate),
            ("adam_epsilon", training.adam_epsilon),
            ("mixing_temperature", training.mixing_temperature),
        ] {
            self.positive(value, &at(key));
        }
        if let Some(rate) = training.head_learning_rate {
            self.positive(rate, &at("head_learning_rate"));
        }
        for (key, value) in [
            ("adam_beta1", training.adam_beta1),
            ("adam_beta2", training.adam_beta2),
        ] {
            self.share(value, &at(key));
        }
        for (key, value) in [
            ("weight_decay", training.weight_decay),
            ("max_grad_norm", training.max_grad_norm),
        ] {
            self.need(value >= 0.0, &at(key), value, "at least 0");
        }
        let warmup = training.warmup_ratio;
        self.need(
            (0.0..=1.0).contains(&warmup),
            &at("warmup_ratio"),
            warmup,
            "from 0 to 1",
        );
        for (key, value) in [
            ("batch_size", training.batch_size),
            (
                "gradient_accumulation_steps",
                training.gradient_accumulation_steps,
            ),
            ("pack_tokens", training.pack_tokens),
        ] {
            self.at_least_one(Some(value), &at(key));
        }
        match training.max_steps {
            Some(steps) => {
                self.need(steps >= 1, &at("max_steps"), steps, "at least 1");
                if let Some(warmup) = training.warmup_steps {
                    self.need(
                        warmup <= steps,
                        &at("warmup_steps"),
                        warmup,
                        "at most `max_steps`",
                    );
                }
            }
            None => self.positive(training.num_epochs, &at("num_epochs")),
        }
        let tasks = self.resolved.recipe.tasks.len();
        let together = training.tasks_per_step;
        self.need(
            together <= tasks,
            &at("tasks_per_step"),
            together,
            &format!("at most the {tasks} tasks"),
        );
        if training.mixing != Mixing::Temperature && self.given("mixing_temperature") {
            let told = self.told(
                &at("mixing_temperature"),
                "means nothing but for `mixing: temperature`",
            );
            told.warning = true;
        }
        self.balancing(training.balancing, tasks, together);
        self.advice(tasks);
    }

    fn advice(&mut self, tasks: usize) {
        let at = ["evaluation", "advise_every"];
        let Some(every) = self.resolved.recipe.evaluation.advise_every else {
            return;
        };
        self.need(every >= 1, &at, every, "at least 1");
        if tasks < 2 {
            let told = self.told(&at, "there is one task; nothing is advised");
            told.warning = true;
        }
    }

    fn given(&self, key: &str) -> bool {
        self.resolved.given.at(&["training", key]).is_some()
    }

    fn balancing(&mut self, balancing: Balancing, tasks: usize, together: usize) {
        let at = ["training", "balancing"];
        match balancing {
            Balancing::StudySoftmax => {
                let told = self.told(&at, "`study_softmax` collapses onto one task; it is here only to reproduce the study");
                told.warning = true;
                told.hint = Some(
                    "take `fixed`, `uncertainty`, `coba` or `pcgrad` for a belt that is to be used"
                        .into(),
                );
            }
            Balancing::Pcgrad if together == 1 && tasks > 1 => {
                let told = self.told(&at, "`pcgrad` compares the gradients of tasks in one step, but a step holds one task");
                told.hint = Some("set `tasks_per_step: 0` (all of them)".into());
            }
            Balancing::Fixed => {}
            _ if tasks < 2 => {
                let told = self.told(&at, "there is one task; nothing is balanced");
                told.warning = true;
            }
            _ => {}
        }
        if balancing == Balancing::Fixed && self.given("balancing_options") {
            self.told(
                &["training", "balancing_options"],
                "`balancing: fixed` has no options",
            );
        }
    }
}
