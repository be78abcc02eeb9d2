//! The belt: keys that its kind does not use, ranges, and whether the base can carry it.

use skillbelt_engine::ops::Activation;
use skillbelt_model::base::portrait::Portrait;

use super::Checking;
use crate::recipe::BeltKind;
use crate::recipe::belt::TargetModules;
use crate::recipe::defaults;
use crate::recipe::shape::{Shape, Shaped};

/// The curves that most adapters are made with, to suggest one.
const CURVES: [&str; 7] = [
    "relu", "gelu", "gelu_new", "swish", "silu", "tanh", "identity",
];

impl Checking<'_> {
    pub(super) fn belt(&mut self, base: Option<&Portrait>) {
        let belt = self.resolved.recipe.belt.clone();
        self.meaningless();
        self.at_least_one(belt.lora_r, &["belt", "lora_r"]);
        self.at_least_one(belt.num_virtual_tokens, &["belt", "num_virtual_tokens"]);
        self.at_least_one(belt.up_projections, &["belt", "up_projections"]);
        if let Some(alpha) = belt.lora_alpha {
            self.positive(alpha, &["belt", "lora_alpha"]);
        }
        if let Some(share) = belt.lora_dropout {
            self.share(share, &["belt", "lora_dropout"]);
        }
        if let Some(scaling) = belt.scaling {
            self.need(
                scaling != 0.0,
                &["belt", "scaling"],
                scaling,
                "another number than 0",
            );
        }
        for (site, rank) in belt.rank_pattern.iter().flatten() {
            self.need(
                *rank >= 1,
                &["belt", "rank_pattern", site],
                rank,
                "at least 1",
            );
        }
        for (site, alpha) in belt.alpha_pattern.iter().flatten() {
            self.positive(*alpha, &["belt", "alpha_pattern", site]);
        }
        if let Some(curve) = &belt.non_linearity
            && Activation::parse(curve).is_none()
        {
            self.one_of(curve, &CURVES, &["belt", "non_linearity"]);
        }
        if let Some(factor) = belt.reduction_factor {
            self.positive(factor, &["belt", "reduction_factor"]);
            if let Some(width) = base.and_then(|base| base.width)
                && factor > width as f64
            {
                let message = format!("{factor} leaves nothing of the base's width of {width}");
                self.told(&["belt", "reduction_factor"], message);
            }
        }
        self.precision(belt.kind);
        if let (Some(base), Some(targets)) = (base, &belt.target_modules) {
            self.targets(base, targets);
        }
    }

    fn precision(&mut self, kind: BeltKind) {
        let precision = &self.resolved.recipe.base.precision;
        if kind == BeltKind::Full && precision != "f32" {
            let message =
                format!("full fine-tuning changes every weight; none can be frozen in {precision}");
            let problem = self.told(&["base", "precision"], message);
            problem.hint = Some("leave `precision` out, or train a belt: `belt: lora`".into());
        }
    }

    /// Keys that the kind does not use.
    fn meaningless(&mut self) {
        let kind = defaults::word_at(&self.resolved.given, &["belt", "kind"]);
        let kind = kind.unwrap_or_else(|| "lora".into());
        let used = defaults::of_belt(&kind);
        for key in crate::recipe::BeltSettings::shape().keys() {
            let given = self.resolved.given.at(&["belt", key.name]).is_some();
            if given && key.name != "kind" && !used.iter().any(|(name, _)| *name == key.name) {
                let all = match <BeltKind as Shaped>::shape() {
                    Shape::Words(words) => words,
                    _ => Vec::new(),
                };
                let owns = |kind: &str| defaults::of_belt(kind).iter().any(|(n, _)| *n == key.name);
                let owners: Vec<String> = all
                    .iter()
                    .filter(|(kind, _)| owns(kind))
                    .map(|(kind, _)| format!("`{kind}`"))
                    .collect();
                let problem = self.told(
                    &["belt", key.name],
                    format_args!("means nothing for `kind: {kind}`"),
                );
                problem.hint = Some(format!("it is a key of {}", owners.join(", ")));
            }
        }
    }

    /// Names of sites that the base does not have. Patterns are left to the belt, which reads them.
    fn targets(&mut self, base: &Portrait, targets: &TargetModules) {
        let TargetModules::Names(names) = targets else {
            return;
        };
        for name in names {
            let ends = |pattern: &str| pattern == name || pattern.ends_with(&format!(".{name}"));
            let numbered = |pattern: &str| ends(pattern) || ends_with_numbers(pattern, name);
            if base.sites.iter().any(|site| numbered(&site.pattern)) {
                continue;
            }
            let mut known: Vec<&str> = Vec::new();
            for site in &base.sites {
                let last = site.pattern.rsplit('.').next().unwrap_or(&site.pattern);
                if !known.contains(&last) {
                    known.push(last);
                }
            }
            let message = format!("the base has no site `{name}`");
            let hint = match crate::recipe::suggest::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its sites end with {}", known.join(", ")),
            };
            self.told(&["belt", "target_modules"], message).hint = Some(hint);
        }
    }
}

/// Whether a path with the numbers of layers ends as a pattern with `*` for them does.
fn ends_with_numbers(pattern: &str, name: &str) -> bool {
    let (mut pattern, name) = (pattern.rsplit('.'), name.rsplit('.'));
    let same = |part: &str, of: &str| part == of || (of == "*" && part.parse::<usize>().is_ok());
    name.into_iter()
        .all(|part| pattern.next().is_some_and(|of| same(part, of)))
}
