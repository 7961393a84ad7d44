//! `serve`: the workspaces of a store behind HTTP, until a signal.

mod log;
mod settings;
mod setup;
mod traces;

use std::net::Ipv6Addr;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use openrouter_sandbox::Sandbox;
use provider_http::AddressPolicy;
use provider_registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};
use workspace_server::{Server, ServerSettings};
use workspace_store::Store;

use self::log::LogThread;
use self::settings::gathered;
pub(crate) use self::setup::master_key;
use self::traces::Traces;
use crate::cli::{ServeArgs, ServeSettings};
use crate::config::data_folder;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::output::Output;
use crate::signal::Signals;

/// The database within the folder of the data.
pub(crate) const DATABASE: &str = "host.db";
/// The file of the master key there, which `--dev` makes.
pub(crate) const MASTER_KEY_FILE: &str = "master.key";
/// The folder of the data, if no other is named.
const DATA: &str = "provider-host-data";
/// The address to listen on, if no other is named.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8790);

pub(crate) async fn run(args: &ServeArgs, sandbox: bool, output: Output) -> Result<(), Failure> {
    let environment = Environment::of_this_program();
    let settings = gathered(args, &environment)?;
    let traces = Traces::start(&environment, output)?;
    // Dropped last: it writes what is left of the log.
    let _log = start_log(&settings, &traces)?;
    let address = settings.listen.unwrap_or_else(|| LISTEN.into());
    if !address.ip().is_loopback() && !settings.allow_remote {
        return Err(Failure::Usage(format!(
            "{address} can be reached from other machines, and the wire is not encrypted: put a proxy with TLS \
             in front, and add --allow-remote"
        )));
    }
    let hosts = allowed_hosts(&settings)?;
    if sandbox && !args.dev {
        return Err(Failure::Usage("--sandbox is for a development machine: add --dev".to_owned()));
    }
    // A development machine has the store of the command line, so that the page shows what the terminal did.
    // With the sandbox it has another one: its providers must not be those of the command line.
    let data = match &settings.data {
        Some(named) => named.clone(),
        None if args.dev && !sandbox => data_folder(&environment).ok_or_else(|| {
            Failure::Usage(
                "there is no home folder for the data: name a folder with --data or HOST_DATA".to_owned(),
            )
        })?,
        None => DATA.into(),
    };
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on {address}; --listen names another"), error))?;
    let address = listener.local_addr().map_err(|error| Failure::Io("cannot listen".to_owned(), error))?;

    let master_key = setup::master_key(args.dev, &settings, &data)?;
    let operator_key = setup::operator_key(args.dev, &settings, &data)?;
    make_folder(&data)?;
    let url =
        settings.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", data.join(DATABASE).display()));
    let store = Store::open(&url, master_key).await.map_err(setup::failed)?;
    let registry = Registry::discover().map_err(Failure::Provider)?;
    let stand_in = if sandbox { Some(setup::sandbox(&data).await?) } else { None };

    let mut server = limits(&settings, ServerSettings::new(data.join("runs.spill")));
    server = server.addresses(addresses(&settings, stand_in.as_ref())?);
    if let Some(key) = operator_key {
        server = server.operator_key(key);
    }
    if let Some(url) = &settings.public_url {
        server = server.public_url(url);
    }
    server = server.hosts(hosts);
    server = traces.of_requests(server);
    let url = format!("http://{address}");
    let mut lines = vec![format!("Listening on {url}")];
    if let Some(sandbox) = &stand_in {
        lines.push(format!(
            "Sandbox at {}: its answers are made up, and nothing is billed.\n  Nothing else can be reached: give \
             each provider that you add this base URL, and any key",
            sandbox.base_url()
        ));
    }
    let workspace = settings.workspace.as_deref().or(args.dev.then_some("dev"));
    if let Some(workspace) = workspace {
        let new_token = args.new_token;
        let kind = setup::WorkspaceKind { dev: args.dev, sandbox: stand_in.as_ref(), new_token, url: &url };
        lines.extend(setup::workspace(&store, &registry, workspace, kind).await?);
    }
    let server = Server::new(store, registry, server)
        .map_err(|error| Failure::Usage(format!("the server does not start: {error}")))?;
    lines.push("Ctrl-C stops it.".to_owned());
    // From here on Ctrl-C does, also before the first connection.
    let signals = Signals::listen();
    output.write(&(lines.join("\n") + "\n"))?;
    until_stopped(server, listener, signals, traces, output).await
}

/// Serves until a signal, and then until running calls are over or a second signal comes.
async fn until_stopped(
    server: Server,
    listener: TcpListener,
    mut signals: Signals,
    traces: Traces,
    output: Output,
) -> Result<(), Failure> {
    let (stop, stopped) = oneshot::channel();
    let serving = server.serve(listener, async {
        // A dropped sender stops it as well.
        let _ = stopped.await;
    });
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map_err(lost),
        _ = signals.next() => {}
    }
    output.note("stopping: running calls may finish; a second signal ends the program at once");
    let _ = stop.send(());
    let ended = async {
        let ended = serving.await;
        traces.flush().await;
        ended.map_err(lost)
    };
    tokio::select! {
        ended = ended => ended,
        _ = signals.next() => Err(Failure::Interrupted(None)),
    }
}

fn lost(error: workspace_server::ServerError) -> Failure {
    Failure::Usage(format!("the server ended: {error}"))
}

fn limits(settings: &ServeSettings, mut server: ServerSettings) -> ServerSettings {
    let seconds = |set: Option<u64>| set.map(Duration::from_secs);
    if let Some(time) = seconds(settings.stop_delay_seconds) {
        server = server.stop_delay(time);
    }
    if let Some(time) = seconds(settings.drain_seconds) {
        server = server.drain(time);
    }
    if let Some(bytes) = settings.max_body_bytes {
        server = server.max_body_bytes(bytes);
    }
    if let Some(bytes) = settings.max_header_bytes {
        server = server.max_header_bytes(bytes);
    }
    if let Some(count) = settings.max_connections {
        server = server.max_connections(count);
    }
    if let Some(time) = seconds(settings.header_timeout_seconds) {
        server = server.header_timeout(time);
    }
    if let Some(time) = seconds(settings.body_timeout_seconds) {
        server = server.body_timeout(time);
    }
    if let Some(time) = seconds(settings.write_timeout_seconds) {
        server = server.write_timeout(time);
    }
    if let Some(count) = settings.max_open_requests {
        server = server.max_open_requests(count);
    }
    if let Some(count) = settings.max_open_requests_per_token {
        server = server.max_open_requests_per_token(count);
    }
    if let Some(count) = settings.requests_per_minute {
        server = server.requests_per_minute(count);
    }
    if let Some(count) = settings.wrong_tokens_per_minute {
        server = server.wrong_tokens_per_minute(count);
    }
    server
}

/// The names that the host goes by.
fn allowed_hosts(settings: &ServeSettings) -> Result<Vec<String>, Failure> {
    let names = settings.allow_host.iter().map(|name| {
        let name = name.trim();
        // An IPv6 address has its colons in brackets.
        let is_name = match name.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => !name.is_empty() && !name.contains([':', '/', '@', '*', ' ']),
        };
        match is_name {
            true => Ok(name.to_owned()),
            false => Err(Failure::Usage(format!(
                "--allow-host {name:?} is no host name: write it without scheme, port and path, as in \
                 models.example.com, 127.0.0.1 or [::1]"
            ))),
        }
    });
    names.collect()
}

/// The addresses that providers may connect to.
fn addresses(settings: &ServeSettings, sandbox: Option<&Sandbox>) -> Result<AddressPolicy, Failure> {
    let mut policy = match sandbox {
        None => AddressPolicy::public().next_step(
            "use an address on the public internet, or ask the operator of this host to start it with \
             --allow-net and the network",
        ),
        // A provider that is added without a base URL would ask its service, and be billed.
        Some(sandbox) => AddressPolicy::nothing().next_step(format!(
            "this host was started with --sandbox, and reaches the sandbox alone: set base_url to {}, or start it \
             without --sandbox",
            sandbox.base_url()
        )),
    };
    for net in &settings.allow_net {
        let network =
            net.trim().parse().map_err(|error| Failure::Usage(format!("--allow-net {net} {error}")))?;
        policy = policy.allow(network);
    }
    if let Some(sandbox) = sandbox {
        policy = policy.allow_socket(sandbox.address());
    }
    // A proxy would reach what the policy refuses.
    let trusts_proxy = settings.trust_proxy && sandbox.is_none();
    Ok(if trusts_proxy { policy.trust_proxies() } else { policy })
}

fn start_log(settings: &ServeSettings, traces: &Traces) -> Result<LogThread, Failure> {
    let filter = settings.log.as_deref().unwrap_or("info");
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| Failure::Usage(format!("--log {filter} cannot be read: {error}")))?
        .and(filter_fn(|metadata| metadata.target() != traces::REQUEST_SPANS));
    let (writer, thread) = log::to_standard_error()
        .map_err(|error| Failure::Io("cannot start the thread of the log".to_owned(), error))?;
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let lines = if settings.log_json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    let subscriber = tracing_subscriber::registry().with(traces.layer()).with(lines.with_filter(filter));
    subscriber.try_init().map_err(|error| Failure::Usage(format!("the log does not start: {error}")))?;
    Ok(thread)
}

/// Makes a folder for its owner alone.
fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|error| Failure::Io(format!("cannot make the folder {}", path.display()), error))
}
