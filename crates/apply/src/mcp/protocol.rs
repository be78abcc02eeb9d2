//! The agents' protocol on the standard streams: lists the tools, hands calls to the desk, and puts
//! answers into the protocol's form. It does nothing else.
//!
//! What a tool refuses is an answer of the tool, marked as an error, because the agent is to read it. A
//! tool that is not there is an error of the protocol.

use std::sync::{Arc, Mutex};

use rmcp::handler::server::tool::schema_for_input;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::desk::{Desk, Refusal};
use super::tools::{AssessFunction, ListFindings, Search, SimilarCode};

const INSTRUCTIONS: &str = "Finds functions in a repository by what they do, and says what a small \
model thinks of them. Use `search` before reading files, `similar_code` before writing something that may \
be there already, and `assess_function` for a second opinion: its verdicts are hints, not proofs.";

/// A tool: how it is called, and what does it.
struct Offered {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    takes: fn() -> Result<Arc<JsonObject>, String>,
    run: fn(&mut Desk, JsonObject) -> Result<Value, Refusal>,
}

const OFFERED: &[Offered] = &[
    Offered {
        name: "search",
        title: "Search functions",
        description: "Find functions of the repository by what they do, best first, with path, line and \
                      signature. Understands plain words and parts of names.",
        takes: takes::<Search>,
        run: |desk, input| run(input, |asked| desk.search(&asked)),
    },
    Offered {
        name: "similar_code",
        title: "Similar functions",
        description: "Find functions of the repository that are like a given program text, or like the \
                      function at a line of a file: copies, variants, others that do the same.",
        takes: takes::<SimilarCode>,
        run: |desk, input| run(input, |asked| desk.similar(&asked)),
    },
    Offered {
        name: "assess_function",
        title: "Assess a function",
        description: "Ask the belt's classifiers about a function, pasted or named by file and line or \
                      name: each gives a label and its probability. Hints, not proofs.",
        takes: takes::<AssessFunction>,
        run: |desk, input| run(input, |asked| desk.assess(&asked)),
    },
    Offered {
        name: "list_findings",
        title: "List findings",
        description: "List what a scan of the repository finds, the surest first: functions that read like \
                      defects, tests that read like flaky ones, clones. With the share of such findings that \
                      were right on validation data.",
        takes: takes::<ListFindings>,
        run: |desk, input| run(input, |asked| desk.findings(&asked)),
    },
];

fn takes<T: JsonSchema + std::any::Any>() -> Result<Arc<JsonObject>, String> {
    schema_for_input::<T>()
}

/// Reads the input, does the work, writes the output.
fn run<T: DeserializeOwned, O: Serialize>(
    input: JsonObject,
    act: impl FnOnce(T) -> Result<O, Refusal>,
) -> Result<Value, Refusal> {
    let asked = serde_json::from_value(Value::Object(input))
        .map_err(|error| Refusal::new(format_args!("arguments: {error}")))?;
    serde_json::to_value(act(asked)?).map_err(Refusal::new)
}

/// The server.
#[derive(Clone)]
struct Server {
    desk: Arc<Mutex<Desk>>,
    tools: Arc<Vec<Tool>>,
}

impl Server {
    fn new(desk: Desk) -> Result<Server, String> {
        let tool = |offered: &Offered| -> Result<Tool, String> {
            let marks = ToolAnnotations::with_title(offered.title)
                .read_only(true)
                .idempotent(true)
                .open_world(false);
            let tool = Tool::new(offered.name, offered.description, (offered.takes)()?);
            Ok(tool.with_annotations(marks))
        };
        Ok(Server {
            desk: Arc::new(Mutex::new(desk)),
            tools: Arc::new(OFFERED.iter().map(tool).collect::<Result<_, _>>()?),
        })
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new("skillbelt", env!("CARGO_PKG_VERSION"));
        info.instructions = Some(INSTRUCTIONS.to_owned());
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let offered = OFFERED.iter().find(|offered| offered.name == request.name);
        let Some(offered) = offered else {
            let names: Vec<&str> = OFFERED.iter().map(|offered| offered.name).collect();
            let told = format!("no tool `{}`; there are {}", request.name, names.join(", "));
            return Err(ErrorData::invalid_params(told, None));
        };
        let desk = self.desk.clone();
        let input = request.arguments.unwrap_or_default();
        // Work takes long and would stop everything else on this thread.
        let done = tokio::task::spawn_blocking(move || {
            // A call that failed half-way left no half state behind: every call asks anew.
            let mut desk = desk.lock().unwrap_or_else(|broken| broken.into_inner());
            (offered.run)(&mut desk, input)
        });
        let done = done
            .await
            .map_err(|_| ErrorData::internal_error("the tool broke down", None))?;
        Ok(match done {
            Ok(value) => CallToolResult::structured(value),
            Err(refusal) => CallToolResult::error(vec![ContentBlock::text(refusal.to_string())]),
        }
        .into())
    }
}

/// Serves on the standard streams until the other side closes them.
///
/// # Errors
/// A conversation that never began as the protocol wants, or streams that broke.
pub fn serve(desk: Desk) -> Result<(), String> {
    let server = Server::new(desk)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(async {
        let running = server.serve(rmcp::transport::stdio()).await;
        let running = running.map_err(|error| error.to_string())?;
        running
            .waiting()
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    });
    // A read of the standard input may still be waiting on a thread of its own.
    runtime.shutdown_background();
    outcome
}
