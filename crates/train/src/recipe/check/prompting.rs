//! Section `prompting`: ranges, and options that go together. No endpoint is asked here.

use super::Checking;
use crate::recipe::suggest::nearest;
use crate::recipe::{Api, EndpointSettings, Labelling, Prompting, Search, TaskType};

impl Checking<'_> {
    pub(super) fn prompting(&mut self) {
        let Some(prompting) = self.resolved.recipe.prompting.clone() else {
            return;
        };
        let own = prompting.base.is_none() && prompting.endpoint.is_none();
        if own && self.resolved.recipe.base.is_random() {
            self.told(
                &["base", "weights"],
                "weights that nobody trained cannot be asked; only trained upon",
            );
        }
        let at = |key: &'static str| ["prompting", key];
        for (key, value) in [
            ("top", prompting.top),
            ("max_new_tokens", prompting.max_new_tokens),
            ("pack_tokens", prompting.pack_tokens),
            ("shown_from", prompting.shown_from),
        ] {
            self.at_least_one(Some(value), &at(key));
        }
        let temperature = prompting.temperature;
        self.need(
            temperature >= 0.0,
            &at("temperature"),
            temperature,
            "at least 0",
        );
        if prompting.base.is_some() && prompting.endpoint.is_some() {
            self.told(
                &at("base"),
                "there is an endpoint too; only one can be asked",
            );
        }
        if let Some(endpoint) = &prompting.endpoint {
            self.endpoint(endpoint);
            self.likelihood(&prompting, endpoint);
        }
        let tasks: Vec<&str> = self
            .resolved
            .recipe
            .tasks
            .keys()
            .map(String::as_str)
            .collect();
        for name in prompting.tasks.keys() {
            if !tasks.contains(&name.as_str()) {
                let near = nearest(name, tasks.iter().copied());
                let message = format!("the recipe has no task `{name}`");
                let problem = self.told(&["prompting", "tasks", name], message);
                problem.hint = near.map(|near| format!("did you mean `{near}`?"));
            }
        }
    }

    /// A conversation gives no log-probabilities of words that it did not say.
    fn likelihood(&mut self, prompting: &Prompting, endpoint: &EndpointSettings) {
        let reranks = matches!(
            prompting.search,
            Search::RerankBm25 | Search::RerankEmbeddings
        );
        let asks = self
            .resolved
            .recipe
            .tasks
            .values()
            .any(|task| match task.kind {
                Some(TaskType::Classify | TaskType::Pair) => true,
                Some(TaskType::Retrieve) => reranks,
                Some(TaskType::Generate) | None => false,
            });
        if asks && prompting.labels == Labelling::Likelihood && endpoint.api == Api::Chat {
            let message = "a conversation gives no log-probabilities of given words";
            let problem = self.told(&["prompting", "labels"], message);
            problem.hint = Some(
                "set it to `generation`, or `prompting.endpoint.api: completions` where the model \
                 offers `echo` with `logprobs`"
                    .into(),
            );
        }
    }

    fn endpoint(&mut self, endpoint: &EndpointSettings) {
        let at = |key: &'static str| ["prompting", "endpoint", key];
        for (key, value) in [("url", &endpoint.url), ("model", &endpoint.model)] {
            if value.is_empty() {
                self.told(&at(key), "is missing");
            }
        }
        self.at_least_one(Some(endpoint.concurrent), &at("concurrent"));
        for (key, value) in [
            ("connect_seconds", endpoint.connect_seconds),
            ("answer_seconds", endpoint.answer_seconds),
            ("longest_wait_seconds", endpoint.longest_wait_seconds),
        ] {
            self.positive(value, &at(key));
        }
        for (key, value) in [
            ("back_off_seconds", endpoint.back_off_seconds),
            ("price_in", endpoint.price_in),
            ("price_out", endpoint.price_out),
        ] {
            self.need(value >= 0.0, &at(key), value, "at least 0");
        }
        for (key, value) in [
            ("attempts", Some(endpoint.attempts)),
            ("requests_per_minute", endpoint.requests_per_minute),
            ("tokens_per_minute", endpoint.tokens_per_minute),
        ] {
            let holds = value.is_none_or(|value| value >= 1);
            self.need(holds, &at(key), 0, "at least 1");
        }
    }
}
