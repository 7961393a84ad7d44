//! Tools that this program runs when the model calls them: commands of the shell, and those of servers of the
//! Model Context Protocol.

mod command;
mod consent;
#[cfg(feature = "mcp")]
mod mcp;
mod process;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use provider_core::{
    CalledTool, ChatRequest, Content, Event, FunctionTool, RawJson, Tool, ToolCall, ToolError, ToolSet, Usd,
};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;

use self::command::CommandTool;
use self::consent::Consent;
use self::process::Withheld;
use crate::cli::{ConnectArgs, ToolArgs};
use crate::exit::Failure;
use crate::output::Output;

/// The most characters of a tool's name that services take.
const MAX_NAME: usize = 64;

/// Something that happens while a question is answered.
#[derive(Clone, Debug)]
pub(crate) enum RunEvent {
    /// An event of the model's answer.
    Model(Event),
    /// A tool of this program begins.
    ToolStarted(ToolCall),
    /// A call of the model has an end, good or not.
    ToolFinished(CallRecord),
}

/// A call of a tool and its end, for people and for `--json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CallRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The arguments, as the model wrote them.
    pub(crate) arguments: String,
    /// The text of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
    /// The words that the model got in place of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub(crate) took: Duration,
}

/// The tools of a run, open for calls. Servers run until it is [closed](Self::close) or dropped, which kills
/// them.
#[derive(Debug)]
pub(crate) struct Tools {
    set: ToolSet<'static>,
    shared: Arc<Shared>,
    pub(crate) max_turns: usize,
    pub(crate) max_cost: Option<Usd>,
    #[cfg(feature = "mcp")]
    servers: Mutex<Vec<mcp::Server>>,
}

/// All that the tools of a run share.
#[derive(Debug)]
struct Shared {
    consent: Consent,
    events: Mutex<Option<UnboundedSender<RunEvent>>>,
}

impl Tools {
    /// Opens the tools of the command line: reads their schemas, and starts their servers. A tool of which
    /// the file of `--tools` has a description, in `request`, is offered as it is there.
    ///
    /// # Errors
    /// When a name or a schema is invalid, when a server does not start, or when a tool may not run and there
    /// is no terminal to ask at.
    pub(crate) async fn open(
        args: &ToolArgs,
        max_cost: Option<Usd>,
        connect: &ConnectArgs,
        request: &ChatRequest,
        output: Output,
    ) -> Result<Option<Arc<Self>>, Failure> {
        if args.is_empty() {
            return Ok(None);
        }
        let consent = Consent::new(args, output)?;
        let withheld = Withheld::new(connect)?;
        let commands = command::read(args, request, &withheld)?;
        let shared = Arc::new(Shared { consent, events: Mutex::default() });
        let mut set = ToolSet::new();
        for tool in commands {
            set = with_command(set, tool, &shared);
        }
        #[cfg(feature = "mcp")]
        let mut servers = Vec::new();
        #[cfg(feature = "mcp")]
        for (name, command) in &args.mcp {
            let server = mcp::Server::start(name, command, args.tool_timeout, &withheld).await?;
            set = server.add_tools(set, &shared);
            servers.push(server);
        }
        Ok(Some(Arc::new(Self {
            set,
            shared,
            max_turns: args.max_turns,
            max_cost,
            #[cfg(feature = "mcp")]
            servers: Mutex::new(servers),
        })))
    }

    /// The tools, for a loop.
    pub(crate) fn set(&self) -> &ToolSet<'static> {
        &self.set
    }

    /// Adds the definitions of all tools to a request whose price is estimated.
    pub(crate) fn add_to(&self, request: &mut ChatRequest) {
        for tool in self.set.definitions() {
            if request.tools.iter().all(|offered| name_of(offered) != Some(&tool.name)) {
                request.tools.push(tool.clone().into());
            }
        }
    }

    /// The definitions of the commands, for a request that is only shown. Servers are not started for it.
    ///
    /// # Errors
    /// When a name or a schema is invalid.
    pub(crate) fn offer(args: &ToolArgs, request: &mut ChatRequest) -> Result<(), Failure> {
        for tool in command::read(args, request, &Withheld::default())? {
            if request.tools.iter().all(|offered| name_of(offered) != Some(&tool.definition.name)) {
                request.tools.push(tool.definition.into());
            }
        }
        Ok(())
    }

    /// Lets the servers end, for no longer than they may take.
    pub(crate) async fn close(&self) {
        #[cfg(feature = "mcp")]
        {
            let servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
            futures_util::future::join_all(servers.into_iter().map(mcp::Server::close)).await;
        }
    }

    /// Says where the beginnings and ends of calls are told from now on.
    pub(crate) fn tell(&self, events: UnboundedSender<RunEvent>) {
        *self.shared.events.lock().unwrap_or_else(PoisonError::into_inner) = Some(events);
    }
}

impl Shared {
    fn event(&self, event: RunEvent) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = &*events {
            // A receiver that is gone needs no event.
            let _ = events.send(event);
        }
    }

    /// Runs a tool, if it may run: asks for leave, and tells of the beginning and the end.
    async fn run(
        &self,
        call: &ToolCall,
        command: &str,
        work: impl Future<Output = Result<Content, ToolError>>,
    ) -> Result<Content, ToolError> {
        self.event(RunEvent::ToolStarted(call.clone()));
        // Whoever shows the events makes room on the terminal first: they are read once this future waits.
        tokio::task::yield_now().await;
        let started = Instant::now();
        let result = match self.consent.ask(call, command).await {
            Ok(()) => work.await,
            Err(refused) => Err(refused),
        };
        self.event(RunEvent::ToolFinished(CallRecord::new(call, &result, started.elapsed())));
        result
    }
}

impl CallRecord {
    fn new(call: &ToolCall, result: &Result<Content, ToolError>, took: Duration) -> Self {
        Self {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            result: result.as_ref().ok().map(Content::text),
            error: result.as_ref().err().map(|error| error.message().to_owned()),
            took,
        }
    }
}

impl From<&CalledTool> for CallRecord {
    fn from(called: &CalledTool) -> Self {
        Self::new(&called.call, &called.result, called.took)
    }
}

fn with_command(set: ToolSet<'static>, tool: CommandTool, shared: &Arc<Shared>) -> ToolSet<'static> {
    let (definition, tool, shared) = (tool.definition.clone(), Arc::new(tool), Arc::clone(shared));
    set.untyped(definition, move |call| {
        let (tool, shared) = (Arc::clone(&tool), Arc::clone(&shared));
        async move {
            let work = async { tool.run(&call.arguments).await.map(Content::from) };
            shared.run(&call, &tool.command, work).await
        }
    })
}

/// The name of a function that a request offers.
fn name_of(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function(function) => Some(&function.name),
        _ => None,
    }
}

/// The function of this name that a request offers.
fn offered<'r>(request: &'r ChatRequest, name: &str) -> Option<&'r FunctionTool> {
    request.tools.iter().find_map(|tool| match tool {
        Tool::Function(function) if function.name == name => Some(function),
        _ => None,
    })
}

/// Whether services take a tool of this name.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain)
}

/// The schema of arguments of which nothing is known.
fn any_object() -> Result<RawJson, Failure> {
    let json = r#"{"type":"object","additionalProperties":true}"#;
    json.parse().map_err(|error| Failure::Usage(format!("the schema of any arguments: {error}")))
}

fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_micros() as f64 / 1_000.0)
}
