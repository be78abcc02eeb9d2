//! The results page: typed results in, one HTML file out that needs nothing else. Order of reading:
//! here, `view.rs` (what the page says), the part of it in question, `parts/page.html`.
//!
//! It computes no statistics: every number on the page stands in the results. Its own arithmetic is
//! geometry, sorting and means of costs. All text of the results is escaped by the template engine;
//! the same results give the same bytes.

mod adviser;
mod axis;
mod curves;
mod differences;
mod front;
mod matrix;
mod means;
mod mention;
mod runs;
mod view;

use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};

use crate::error::{Error, Result};
use crate::study::results::{FORMAT, Results};

/// What the page is called in a study's folder.
pub const PAGE: &str = "study.html";

const TEMPLATES: [(&str, &str); 6] = [
    ("page.html", include_str!("parts/page.html")),
    ("tables.html", include_str!("parts/tables.html")),
    ("pictures.html", include_str!("parts/pictures.html")),
    ("adviser.html", include_str!("parts/adviser.html")),
    ("style.css", include_str!("parts/style.css")),
    ("script.js", include_str!("parts/script.js")),
];

/// Results from their file; of another format or form they are refused, with file and line.
pub fn read(path: &Path) -> Result<Results> {
    let text = fs_err::read_to_string(path).map_err(Error::told)?;
    let refused = |error: serde_json::Error| Error::File {
        path: path.to_owned(),
        line: error.line() as u64,
        message: format!("not the results of a study: {error}"),
        hint: Some("the file is the results.json of a study's folder".into()),
    };
    let form: Form = serde_json::from_str(&text).map_err(refused)?;
    if form.format != FORMAT {
        return Err(Error::told(format_args!(
            "{}: `format`: expected {FORMAT}, found {}",
            path.display(),
            form.format
        ))
        .with_hint("write the results again with this program"));
    }
    serde_json::from_str(&text).map_err(refused)
}

/// What is asked before the whole is read.
#[derive(serde::Deserialize)]
struct Form {
    format: u32,
}

/// The whole page of a study.
pub fn page(results: &Results) -> Result<String> {
    let data = embedded(results)?;
    rendered(results, data)
        .map_err(|error| Error::told(format_args!("the page of the study: {error:#}")))
}

fn rendered(results: &Results, data: String) -> std::result::Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(syntax);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    environment
        .get_template("page.html")?
        .render(minijinja::context! {
            view => Value::from(Serde(view::view(results))),
            data => Value::from_safe_string(data),
        })
}

/// The results as JSON that can stand inside a `script` element: no `<` ends or begins anything
/// there, and it reads back as the same value.
fn embedded(results: &Results) -> Result<String> {
    let text = serde_json::to_string(results).map_err(Error::told)?;
    Ok(text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}
