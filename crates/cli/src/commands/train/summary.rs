//! What a recipe would do, in a few lines for a person.

use skillbelt_train::recipe::Resolved;

/// What the recipe would do, in a few lines.
pub fn summary(resolved: &Resolved) -> String {
    let recipe = &resolved.recipe;
    let word = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    };
    let mut text = format!(
        "base    {} ({})\nbelt    {}\n",
        recipe.base.name,
        recipe.base.precision,
        word(serde_json::to_value(recipe.belt.kind))
    );
    for (name, task) in &recipe.tasks {
        let kind = task.kind.map(|kind| word(serde_json::to_value(kind)));
        let files = [
            ("train", &task.train),
            ("valid", &task.valid),
            ("test", &task.test),
        ];
        let files: Vec<String> = files
            .into_iter()
            .filter_map(|(split, files)| Some((split, files.as_ref()?.laid_out())))
            .map(|(split, laid)| {
                let paths: Vec<String> =
                    laid.files.iter().map(|f| f.display().to_string()).collect();
                format!("{split} {}", paths.join(" + "))
            })
            .collect();
        text += &format!(
            "task    {name}: {}, best by {}; {}\n",
            kind.unwrap_or_default(),
            task.metric.as_deref().unwrap_or("its first metric"),
            files.join(", ")
        );
    }
    let training = &recipe.training;
    let long = match training.max_steps {
        Some(steps) => format!("{steps} steps"),
        None => format!("{} epochs", training.num_epochs),
    };
    text += &format!(
        "run     {long}, {} examples of a task in a step, learning rate {}, seed {}\noutput  {}\n",
        training.batch_size,
        training.learning_rate,
        training.seed,
        recipe.output.display()
    );
    text
}
