//! `skillbelt serve`: belts on a base that answer over HTTP. It decides who may ask, and nothing about
//! answers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use skillbelt_apply::index::{Attended, Place, Worn};
use skillbelt_apply::reader::Reader;
use skillbelt_apply::serve::{self, Door, Limits, Model, Served};
use skillbelt_engine::Precision;
use skillbelt_model::base::Held;
use skillbelt_train::shipped;
use tracing::Level;

use super::{Everywhere, parse, precision};
use crate::exit::{Failure, say};
use crate::locate;

/// Let belts answer over HTTP, in the shapes of OpenAI's and text-embeddings-inference's clients.
///
/// Several belts stand on one copy of the base's frozen weights, and a request says which one it asks
/// ("model": "NAME" or "NAME:TASK"). Without a belt the base itself gives vectors, and writes if it can.
/// There is a page for people at /, and the interface for programs at /openapi.json.
///
/// Only this machine reaches it unless --address says otherwise; then a key is needed, by --api-key-file
/// or in SKILLBELT_API_KEY. It stops when asked to (SIGTERM, Ctrl-C), after answering what it has taken.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt serve runs/four/belt --base ./unixcoder-base
  skillbelt serve defects=runs/a/belt search=runs/b/belt --base pocket
  curl -s localhost:8642/predict -H 'Content-Type: application/json' -d '{\"texts\": [\"int f() { return 1; }\"]}'")]
pub struct Serve {
    /// Folders of belts on the same base, each with a name of its own if it is to have one
    #[arg(value_name = "[NAME=]BELT")]
    belts: Vec<String>,
    /// The base: a folder, a name on the hub, or `pocket` [default: that which the first belt names]
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: Option<String>,
    /// Branch, tag or commit of a base on the hub [default: main]
    #[arg(long)]
    revision: Option<String>,
    /// How the base's weights are held: f32, bf16, int8 or nf4 [default: as each belt was trained]
    #[arg(long, value_parser = precision)]
    precision: Option<Precision>,
    /// A repository whose functions /search, /similar and the page find
    #[arg(long, value_name = "PATH")]
    code: Option<PathBuf>,
    /// Where the index of --code is kept: a file, or a server as postgres://user@host/database
    /// [default: .skillbelt/search-1.sqlite in the repository]
    #[arg(long, value_name = "FILE_OR_SERVER", requires = "code")]
    index: Option<String>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8642")]
    address: SocketAddr,
    /// The key that requests must show [default: SKILLBELT_API_KEY]; seen by everybody on this machine
    #[arg(long, value_name = "KEY", conflicts_with = "api_key_file")]
    api_key: Option<String>,
    /// A file that holds the key
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Ask for no key although others than this machine may reach the server
    #[arg(long, conflicts_with_all = ["api_key", "api_key_file"])]
    no_api_key: bool,
    /// A further name under which the server may be asked; others are refused
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    #[command(flatten)]
    bounds: Bounds,
    /// How the log is written on stderr
    #[arg(long, value_enum, default_value = "json")]
    log: Log,
}

/// The limits that a person may set.
#[derive(Debug, Args)]
struct Bounds {
    /// Tokens that are computed at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch_tokens: Option<u32>,
    /// Texts that may wait; more are answered with 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_waiting: Option<u32>,
    /// Texts of one request
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_texts: Option<u32>,
    /// Connections at once; the oldest without a request gives way
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Bytes of a request's body
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    max_body: Option<u32>,
    /// Tokens of a text that is written
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: Option<u32>,
    /// Seconds for the head of a request, and for a connection without one
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    head_timeout: Option<u32>,
    /// Seconds for the body of a request
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    body_timeout: Option<u32>,
    /// Seconds for an answer that is not written
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    answer_timeout: Option<u32>,
    /// Seconds for what was taken when the server is told to stop
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    grace: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Log {
    /// One object a line
    Json,
    /// For people
    Text,
    /// Nothing but defects
    None,
}

impl Serve {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let door = self.door()?;
        self.begin_log(everywhere);
        let base = self.base_name()?;
        let folder = locate::folder(&base, self.revision.as_deref(), everywhere)?;
        let held = Held::default();
        let models = self.models(&base, &folder, &held)?;
        let served = Served {
            address: self.address,
            models,
            limits: self.bounds.limits(),
            door,
            index: self.index(&folder, &held)?,
        };
        Ok(serve::serve(served, |address| {
            tracing::info!(address = %address, "listening");
            if !everywhere.quiet {
                say(format_args!("listening on http://{address}"));
            }
        })?)
    }

    fn door(&self) -> Result<Door, Failure> {
        let key = match &self.api_key_file {
            Some(file) => Some(fs_err::read_to_string(file).map_err(Failure::told)?),
            None => self.api_key.clone(),
        };
        let key = key.or_else(|| std::env::var("SKILLBELT_API_KEY").ok());
        let key = key.map(|key| key.trim().to_owned());
        let loopback = self.address.ip().is_loopback();
        let key = match key {
            Some(key) if key.is_empty() => {
                return Err(Failure::told("the key for requests is empty"));
            }
            _ if self.no_api_key => None,
            key => key,
        };
        if key.is_none() && !loopback && !self.no_api_key {
            return Err(Failure::told(format_args!(
                "{}: others than this machine reach that address, and there is no key",
                self.address
            ))
            .with_hint("--api-key-file FILE, or SKILLBELT_API_KEY; --no-api-key if all may ask"));
        }
        Ok(Door::new(key.as_deref(), loopback, &self.host_name))
    }

    /// Requests are logged as they end; a defect is logged and costs its request only.
    fn begin_log(&self, everywhere: &Everywhere) {
        let level = match (self.log, everywhere.quiet) {
            (Log::None, _) | (_, true) => Level::ERROR,
            _ => Level::INFO,
        };
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(level);
        match self.log {
            Log::Text => log.init(),
            Log::Json | Log::None => log.json().flatten_event(true).init(),
        }
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string);
            let place = place.unwrap_or_default();
            tracing::error!(place, "a defect of skillbelt");
        }));
    }

    fn models(&self, base: &str, folder: &Path, held: &Held) -> Result<Vec<Model>, Failure> {
        let base = skillbelt_model::belt::folder::plain_name(base);
        if self.belts.is_empty() {
            let reader = Reader::bare(folder, self.bare_precision())?;
            return Ok(vec![Model::new(base.clone(), base, folder, reader)?]);
        }
        let mut models: Vec<Model> = Vec::with_capacity(self.belts.len());
        for belt in &self.belts {
            let (name, belt) = named(belt);
            if models.iter().any(|model| model.name == name) {
                return Err(Failure::told(format_args!("two belts are called {name:?}"))
                    .with_hint("name them: NAME=FOLDER"));
            }
            let reader = Reader::open_held(&belt, folder, self.precision, Some(held))?;
            models.push(Model::new(name, base.clone(), folder, reader)?);
        }
        Ok(models)
    }

    fn bare_precision(&self) -> Precision {
        self.precision.unwrap_or(Precision::F32)
    }

    /// The index of --code, with vectors by the first belt that was taught to search.
    fn index(&self, base: &Path, held: &Held) -> Result<Option<Attended>, Failure> {
        let Some(code) = &self.code else {
            return Ok(None);
        };
        let mut worn = None;
        for belt in &self.belts {
            let (_, belt) = named(belt);
            let card = shipped::card(&belt)?;
            if worn.is_none() && card.tasks.iter().any(|task| task.objective == "retrieve") {
                let own = || card.precision.parse().map_err(Failure::told);
                let precision = self.precision.map_or_else(own, Ok)?;
                let reader = Reader::open_held(&belt, base, Some(precision), Some(held))?;
                let reader = Arc::new(reader);
                worn = Some(Worn::new(reader, Some(&belt), base, precision, None)?);
            }
        }
        if self.belts.is_empty() {
            let precision = self.bare_precision();
            let reader = Arc::new(Reader::bare(base, precision)?);
            worn = Some(Worn::new(reader, None, base, precision, None)?);
        }
        let place = Place::parse(self.index.as_deref(), None);
        Ok(Some(Attended::open(&place, code, worn, parse::parsers)?))
    }

    fn base_name(&self) -> Result<String, Failure> {
        match (&self.base, self.belts.first()) {
            (Some(base), _) => Ok(base.clone()),
            (None, Some(belt)) => Ok(shipped::card(&named(belt).1)?.base.name),
            (None, None) => Err(Failure::told("nothing to serve")
                .with_hint("name a belt's folder, or a base with --base")),
        }
    }
}

/// The name of a belt and its folder. The folder `belt` of a run is called as the run.
fn named(belt: &str) -> (String, PathBuf) {
    if let Some((name, folder)) = belt.split_once('=')
        && !name.is_empty()
        && !name.contains('/')
    {
        return (name.to_owned(), folder.into());
    }
    let folder = Path::new(belt);
    let last = |path: &Path| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let name = match last(folder).as_str() {
        "belt" => last(&folder.join("..")),
        other => other.to_owned(),
    };
    (name.replace([':', '='], "-"), folder.to_owned())
}

impl Bounds {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let set = |limit: &mut usize, wish: Option<u32>| {
            if let Some(wish) = wish {
                *limit = wish as usize;
            }
        };
        set(&mut limits.batch_tokens, self.batch_tokens);
        set(&mut limits.waiting_texts, self.max_waiting);
        set(&mut limits.texts, self.max_texts);
        set(&mut limits.connections, self.max_connections);
        set(&mut limits.body_bytes, self.max_body);
        set(&mut limits.new_tokens, self.max_new_tokens);
        limits.bodies_bytes = limits.bodies_bytes.max(limits.body_bytes);
        let time = |limit: &mut Duration, wish: Option<u32>| {
            if let Some(wish) = wish {
                *limit = Duration::from_secs(u64::from(wish));
            }
        };
        time(&mut limits.head_time, self.head_timeout);
        time(&mut limits.body_time, self.body_timeout);
        time(&mut limits.answer_time, self.answer_timeout);
        time(&mut limits.grace, self.grace);
        limits
    }
}
