//! Chat templates: messages in, the prompt that the base was tuned on out. The templates are Jinja programs that come
//! with a checkpoint; they run in an interpreter with nothing but the messages in reach, and with a step, recursion
//! and size limit. It adds no template of its own to a base that has none.
//!
//! Not bounded: the memory of strings that a template builds without writing them (each step may double one). The
//! interpreter offers no handle on it; such a template is hostile, and the same holds for the reference.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, ErrorKind};
use serde_json::{Map, Value, json};

use super::error::{Error, Result};
use super::limits::{MAX_RENDERED_BYTES, MAX_TEMPLATE_BYTES, TEMPLATE_FUEL, TEMPLATE_RECURSION};
use super::settings::{ROLES, Settings};
use super::templates::{self, DEFAULT};
use super::{clock, folder, python_json, quiet};

const FOR_TOOLS: &str = "tool_use";

/// What a template is asked to write down.
#[derive(Debug, Clone, Copy)]
pub struct Conversation<'c> {
    /// An array of `{"role": ..., "content": ...}`.
    pub messages: &'c Value,
    /// An array of function descriptions, for bases that call tools.
    pub tools: Option<&'c Value>,
    /// Ends the prompt where the assistant is to speak.
    pub add_generation_prompt: bool,
    /// One of several named templates; by default `tool_use` if there are tools and it exists, else `default`.
    pub template: Option<&'c str>,
}

/// The chat templates of a base.
#[derive(Debug)]
pub struct ChatTemplates {
    path: PathBuf,
    environment: Environment<'static>,
    names: Vec<String>,
    /// The tokens with a role, as variables: `bos_token`, `eos_token`, ...
    tokens: Map<String, Value>,
}

impl ChatTemplates {
    /// Reads `chat_template.jinja` (and `additional_chat_templates/*.jinja`), else `chat_template` of
    /// `tokenizer_config.json`. `None` if the base has no template. A template that is no Jinja is an error here.
    pub fn from_folder(folder: &Path) -> Result<Option<ChatTemplates>> {
        let settings = Settings::read(folder)?;
        let (path, found) = templates::find(folder, &settings)?;
        if found.is_empty() {
            return Ok(None);
        }
        let mut tokens = Map::new();
        for role in ROLES {
            if let Some(token) = settings.special.get(role) {
                tokens.insert(role.to_owned(), json!(token.content));
            }
        }
        Self::compile(path, found, tokens).map(Some)
    }

    fn compile(
        path: PathBuf,
        found: BTreeMap<String, String>,
        tokens: Map<String, Value>,
    ) -> Result<Self> {
        let mut environment = interpreter().map_err(|error| refused(&path, error.to_string()))?;
        let names = found.keys().cloned().collect();
        for (name, source) in found {
            if source.len() > MAX_TEMPLATE_BYTES {
                let expected = format!("at most {MAX_TEMPLATE_BYTES} bytes");
                let found = format!("{} bytes", source.len());
                return Err(Error::entry(
                    &path,
                    format!("chat template {name}"),
                    expected,
                    found,
                ));
            }
            let source = templates::without_generation_marks(&source);
            quiet::quietly(|| environment.add_template_owned(name, source))
                .map_err(|panic| refused(&path, panic))?
                .map_err(|error| refused(&path, error.to_string()))?;
        }
        Ok(ChatTemplates {
            path,
            environment,
            names,
            tokens,
        })
    }

    /// The names of the templates, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Sets the time that templates see when they ask for today's date; without it they see the machine's clock.
    pub fn at(mut self, now: SystemTime) -> Self {
        let tell = move |format: &str| clock::strftime(now, format);
        self.environment.add_function("strftime_now", tell);
        self
    }

    /// The prompt. The text holds the special tokens already: encode it with `with_special = false`.
    pub fn render(&self, conversation: &Conversation<'_>) -> Result<String> {
        if !conversation.messages.is_array() {
            let found = folder::kind(conversation.messages);
            return Err(refused(
                &self.path,
                format!("messages must be an array, found {found}"),
            ));
        }
        let name = self.choose(conversation)?;
        let mut variables = self.tokens.clone();
        variables.insert("messages".to_owned(), conversation.messages.clone());
        let tools = conversation.tools.cloned().unwrap_or_default();
        variables.insert("tools".to_owned(), tools);
        variables.insert("documents".to_owned(), Value::Null);
        let asked = json!(conversation.add_generation_prompt);
        variables.insert("add_generation_prompt".to_owned(), asked);
        let mut page = Page::default();
        quiet::quietly(|| {
            let template = self.environment.get_template(name)?;
            let seen = template.render_captured_to(Serde(&variables), &mut page);
            seen.map(|_| ())
        })
        .map_err(|panic| refused(&self.path, panic))?
        .map_err(|error| refused(&self.path, said(&error)))?;
        String::from_utf8(page.0).map_err(|error| refused(&self.path, error.to_string()))
    }

    fn choose<'s>(&'s self, conversation: &Conversation<'s>) -> Result<&'s str> {
        let has = |name: &str| self.names.iter().any(|known| known == name);
        let name = match conversation.template {
            Some(name) => name,
            None if conversation.tools.is_some() && has(FOR_TOOLS) => FOR_TOOLS,
            None => DEFAULT,
        };
        if has(name) {
            return Ok(name);
        }
        let known = self.names.join(", ");
        Err(refused(
            &self.path,
            format!("no template {name:?}; there are: {known}"),
        ))
    }
}

/// The interpreter, set up as the reference sets up its own.
fn interpreter() -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.set_fuel(Some(TEMPLATE_FUEL));
    environment.set_recursion_limit(TEMPLATE_RECURSION);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", python_json::filter);
    let raise = |message: String| -> std::result::Result<minijinja::Value, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    };
    environment.add_function("raise_exception", raise);
    environment.set_formatter(|out, state, value| {
        if value.kind() == ValueKind::Invalid {
            let what = value.to_string();
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, what));
        }
        minijinja::escape_formatter(out, state, value)
    });
    environment.add_function("strftime_now", |format: &str| {
        clock::strftime(SystemTime::now(), format)
    });
    Ok(environment)
}

fn refused(path: &Path, reason: String) -> Error {
    Error::Template {
        path: path.to_owned(),
        reason,
    }
}

/// The error in one line, with the line of the template.
fn said(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

/// What a template writes, up to the limit.
#[derive(Default)]
struct Page(Vec<u8>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_RENDERED_BYTES {
            return Err(io::Error::other("the prompt grows beyond its limit"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
