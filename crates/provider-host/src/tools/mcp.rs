//! A server of the Model Context Protocol: started as a process, spoken to over its standard input and
//! output.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use provider_core::{Content, FunctionTool, Part, RawJson, ToolCall, ToolError, ToolSet};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock, Implementation,
    JsonObject, ResourceContents,
};
use rmcp::service::{Peer, RunningService};
use rmcp::{RoleClient, ServiceExt};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::time::timeout;

use super::consent::SEPARATOR;
use super::process::{MAX_STDERR, Process, Withheld};
use super::{MAX_NAME, Shared, is_name};
use crate::exit::Failure;
use crate::output::text;

/// How long a server may take to start and to list its tools: package managers may fetch it first.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the last words of a server that fails are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a server may take to end once it is told to.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes of text that the model gets of one call.
const MAX_TEXT: usize = 64 << 10;

/// A running server and its tools. Dropping it kills the process.
pub(super) struct Server {
    name: String,
    tools: Vec<(FunctionTool, String)>,
    connection: Arc<Connection>,
    service: RunningService<RoleClient, ClientConfig>,
    process: Process,
}

/// The way to a server, which its tools share.
struct Connection {
    peer: Peer<RoleClient>,
    stderr: Arc<Tail>,
    timeout: Duration,
}

/// The end of what a server writes to standard error.
#[derive(Default)]
struct Tail(Mutex<Vec<u8>>);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).field("tools", &self.tools).finish()
    }
}

impl Server {
    /// Starts a server, and asks it for its tools once. A call may take as long as `timeout`.
    ///
    /// # Errors
    /// When the name is invalid, or the server does not start, does not speak the protocol, or is too slow.
    pub(super) async fn start(
        name: &str,
        command: &str,
        call_timeout: Duration,
        withheld: &Withheld,
    ) -> Result<Self, Failure> {
        let failed = |problem: String| Failure::Usage(format!("--mcp {name}: {problem}"));
        if !is_name(name) || name.contains(SEPARATOR) {
            return Err(failed("a name has letters, digits, _ and -, and no two _ in a row".to_owned()));
        }
        let started = Process::start(command, withheld);
        let mut process = started.map_err(|error| failed(format!("cannot be started: {error}")))?;
        let child = &mut process.child;
        let stderr = Arc::new(Tail::default());
        let reading = tokio::spawn(Arc::clone(&stderr).read(child.stderr.take()));
        let (Some(input), Some(output)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(failed("has no pipes".to_owned()));
        };
        let with_stderr = |problem: String| failed(format!("{problem}{}", stderr.words()));
        let opened = timeout(START_TIMEOUT, async {
            let service = client().serve((input, output)).await.map_err(|error| error.to_string())?;
            let tools = service.list_all_tools().await.map_err(|error| error.to_string())?;
            Ok::<_, String>((service, tools))
        });
        let (service, listed) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(problem)) => {
                // The process usually says why before it ends.
                let _ = timeout(LAST_WORDS, reading).await;
                return Err(with_stderr(format!("does not speak the protocol: {problem}")));
            }
            Err(_) => {
                let waited = START_TIMEOUT.as_secs();
                return Err(with_stderr(format!("was not ready within {waited} s")));
            }
        };
        let mut tools: Vec<(FunctionTool, String)> = Vec::new();
        for tool in listed {
            let public = public_name(name, &tool.name);
            if tools.iter().any(|(other, _)| other.name == public) {
                return Err(failed(format!("two of its tools would be called {public}")));
            }
            let schema: RawJson = serde_json::to_string(&*tool.input_schema)
                .and_then(|json| json.parse())
                .map_err(|error| failed(format!("the schema of {}: {error}", tool.name)))?;
            let description = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
            tools.push((FunctionTool::new(public, description).parameters(schema), tool.name.into_owned()));
        }
        let connection = Connection { peer: service.peer().clone(), stderr, timeout: call_timeout };
        Ok(Self { name: name.to_owned(), tools, connection: Arc::new(connection), service, process })
    }

    /// Closes the server's standard input, which tells it to end, and waits a little before it is killed: it
    /// may have to put away what it has started.
    pub(super) async fn close(mut self) {
        let end = async {
            // An error says that the task of the connection has ended already.
            let _ = self.service.cancel().await;
            self.process.child.wait().await
        };
        let _ = timeout(END_TIMEOUT, end).await;
    }

    /// Adds the tools of the server.
    pub(super) fn add_tools(&self, set: ToolSet<'static>, shared: &Arc<Shared>) -> ToolSet<'static> {
        self.tools.iter().fold(set, |set, (definition, tool)| {
            let (connection, shared) = (Arc::clone(&self.connection), Arc::clone(shared));
            let (server, tool) = (self.name.clone(), tool.clone());
            set.untyped(definition.clone(), move |call| {
                let (connection, shared) = (Arc::clone(&connection), Arc::clone(&shared));
                let (place, tool) = (format!("{tool} of the MCP server {server}"), tool.clone());
                async move { shared.run(&call, &place, connection.call(tool, &call)).await }
            })
        })
    }
}

impl Connection {
    async fn call(&self, tool: String, call: &ToolCall) -> Result<Content, ToolError> {
        let arguments = match call.arguments.trim() {
            "" | "null" => JsonObject::new(),
            text => serde_json::from_str(text)?,
        };
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        match timeout(self.timeout, self.peer.call_tool(request)).await {
            Ok(Ok(result)) => content(result),
            Ok(Err(error)) => Err(ToolError::new(format!("{error}{}", self.stderr.words()))),
            Err(_) => {
                let seconds = self.timeout.as_secs_f64();
                Err(ToolError::new(format!("there was no result within {seconds} s")))
            }
        }
    }
}

impl Tail {
    async fn read(self: Arc<Self>, from: Option<ChildStderr>) {
        let Some(mut from) = from else { return };
        let mut piece = [0; 4 << 10];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend(piece.iter().take(count));
            let excess = tail.len().saturating_sub(MAX_STDERR);
            tail.drain(..excess);
        }
    }

    /// The last words of the server, to stand behind an error.
    fn words(&self) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&tail);
        match said.trim() {
            "" => String::new(),
            said => format!("; its standard error: {}", text::one_line(said)),
        }
    }
}

/// The name and the version by which servers know this program.
fn client() -> ClientConfig {
    let program = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    ClientConfig::new(ClientCapabilities::default(), program)
}

/// `server__tool`, in the characters and the length that services take.
fn public_name(server: &str, tool: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    server.chars().chain(SEPARATOR.chars()).chain(tool.chars()).map(plain).take(MAX_NAME).collect()
}

/// The result of a call for the model.
fn content(result: CallToolResult) -> Result<Content, ToolError> {
    let mut parts = Vec::new();
    for block in result.content {
        match block {
            ContentBlock::Text(block) => parts.push(Part::text(block.text)),
            ContentBlock::Image(block) => {
                parts.push(Part::image_url(format!("data:{};base64,{}", block.mime_type, block.data)));
            }
            ContentBlock::Resource(block) => match block.resource {
                ResourceContents::TextResourceContents { text, .. } => parts.push(Part::text(text)),
                other => parts.push(Part::text(serde_json::to_string(&other)?)),
            },
            other => parts.push(Part::text(serde_json::to_string(&other)?)),
        }
    }
    if parts.is_empty() {
        let structured = result.structured_content.map(|value| value.to_string());
        parts.push(Part::text(structured.unwrap_or_else(|| "(no output)".to_owned())));
    }
    let is_text = parts.iter().all(|part| matches!(part, Part::Text(_)));
    let texts: Vec<String> = parts.iter().map(|part| Content::Parts(vec![part.clone()]).text()).collect();
    let joined = bounded(texts.join("\n"));
    match (result.is_error, is_text) {
        (Some(true), _) => Err(ToolError::new(joined)),
        (_, true) => Ok(joined.into()),
        (_, false) => Ok(Content::Parts(parts)),
    }
}

/// A text of at most [`MAX_TEXT`] bytes.
fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str(&format!("\n[cut here: the result has more than {MAX_TEXT} bytes]"));
    }
    text
}
