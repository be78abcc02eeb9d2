//! `skillbelt mcp` with the real program over pipes, as an agent speaks to it. `tests/peers/mcp_client.py`
//! does the same with the protocol's official client.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A server and what is said to it.
struct Agent {
    server: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    number: u64,
}

impl Agent {
    fn start(folder: &Path) -> Agent {
        let mut server = Command::new(env!("CARGO_BIN_EXE_skillbelt"))
            .args(["mcp", "-q"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut agent = Agent {
            to: server.stdin.take(),
            from: BufReader::new(server.stdout.take().unwrap()),
            server,
            number: 0,
        };
        let hello = agent.ask(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {},
                   "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(hello["result"]["serverInfo"]["name"], "skillbelt");
        agent.tell(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        agent
    }

    fn tell(&mut self, message: &Value) {
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let id = self.number;
        self.tell(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(
                self.from.read_line(&mut line).unwrap() > 0,
                "the server has gone"
            );
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// What a tool refuses, which is an answer.
    fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.call(tool, arguments);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "def open_connection(host):\n    return socket(host)\n\n\ndef close_connection(it):\n    it.close()\n";
    fs_err::write(folder.path().join("net.py"), text).unwrap();
    folder
}

#[test]
fn an_agent_finds_functions_and_reads_refusals() {
    let folder = repository();
    let mut agent = Agent::start(folder.path());
    let tools = agent.ask("tools/list", json!({}));
    let tools = tools["result"]["tools"].as_array().unwrap().clone();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        ["search", "similar_code", "assess_function", "list_findings"]
            .iter()
            .all(|name| names.contains(name))
    );
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
    }

    let found = agent.call(
        "search",
        json!({"query": "close a connection", "with_code": true}),
    );
    let first = &found["result"]["structuredContent"]["hits"][0];
    assert_eq!(
        (&first["path"], &first["line"]),
        (&json!("net.py"), &json!(5)),
        "{found}"
    );
    assert_eq!(first["code"], "def close_connection(it):\n    it.close()");
    let like = agent.call("similar_code", json!({"path": "net.py", "line": 2}));
    assert!(
        like["result"]["structuredContent"]["hits"].is_array(),
        "{like}"
    );

    // A file that changes is seen by the next call.
    fs_err::write(
        folder.path().join("net.py"),
        "def drop_it(it):\n    it.drop()\n",
    )
    .unwrap();
    let found = agent.call("search", json!({"query": "close connection"}));
    assert_eq!(
        found["result"]["structuredContent"]["hits"],
        json!([]),
        "{found}"
    );

    let refusal = agent.refusal("similar_code", json!({"path": "../secret.py", "line": 1}));
    assert!(refusal.contains("outside"), "{refusal}");
    let refusal = agent.refusal("similar_code", json!({"path": "/etc/passwd", "line": 1}));
    assert!(refusal.contains("outside"), "{refusal}");
    let refusal = agent.refusal("assess_function", json!({"code": "def f(): pass"}));
    assert!(
        refusal.contains("no belt") && refusal.contains("--belt"),
        "{refusal}"
    );
    assert!(
        agent
            .refusal("search", json!({"query": 7}))
            .contains("arguments")
    );
    assert!(
        agent
            .refusal("search", json!({"query": "x", "languages": ["cobol"]}))
            .contains("cobol")
    );
    let unknown = agent.call("delete_everything", json!({}));
    assert!(unknown["error"]["code"].is_i64(), "{unknown}");

    // It ends with its input.
    drop(agent.to.take());
    assert!(agent.server.wait().unwrap().success());
}
