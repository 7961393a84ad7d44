//! The flags of `serve`, which are the keys of its file and the names of its variables, too.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::value_parsers::at_least;

const HELP: &str = "\
Every option but --config, --dev and --new-token is a key of the file, with _ for -, and a variable: \
HOST_ and the key in capitals, as in HOST_MAX_CONNECTIONS. A flag counts before a variable, a variable \
before the file, and the file before the default. Two secrets are variables or files alone:
  HOST_MASTER_KEY    seals the keys of providers: 32 random bytes in base64, as `openssl rand -base64 32` \
makes them
  HOST_OPERATOR_KEY  lets its bearer add and list workspaces, and read /metrics: 16 characters or more

The server speaks HTTP/1.1. TLS, and HTTP/2 with it, is the business of a proxy in front. The first Ctrl-C \
or SIGTERM lets running calls finish; the second ends the program at once.

Examples:
  asq serve --dev --sandbox
  HOST_MASTER_KEY=... asq serve --workspace acme
  asq serve --config host.toml --listen 0.0.0.0:8790 --allow-remote";

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct ServeArgs {
    /// Read settings from this file, TOML or (*.json) JSON [env: HOST_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// For a development machine: make the master key and the operator's key as files beside the data, and
    /// the workspace `dev` if no other is named
    #[arg(long)]
    pub(crate) dev: bool,

    /// Make another Owner token of --workspace (with --dev, of `dev`), and print it
    #[arg(long)]
    pub(crate) new_token: bool,

    #[command(flatten)]
    pub(crate) settings: ServeSettings,
}

/// The settings of `serve`, wherever they come from.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeSettings {
    /// The address and port to listen on; port 0 takes a free one. Default: 127.0.0.1:8790
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,

    /// Listen on another address than this machine's loopback. The wire is not encrypted: put a proxy with
    /// TLS in front
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_remote: bool,

    /// The address at which browsers find this host, as in `https://models.example.com`: a provider's page on
    /// which a user approves sends the browser back there. Without it, that works at localhost alone
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,

    /// Answer requests for this host name alone, without a port, as in `models.example.com`; repeatable.
    /// Names that others point at this address (DNS rebinding) are refused. Default: any name
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow_host: Vec<String>,

    /// The folder of the database, the recorder's file and, with --dev, the keys; it is made. Default:
    /// provider-host-data; with --dev and without --sandbox that of the command line
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,

    /// The database: sqlite:FILE or postgres://user:password@host/name, which belongs into
    /// HOST_DATABASE_URL, as flags show in the process list. Default: sqlite:DIR/host.db
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database_url: Option<String>,

    /// The file of the master key, which its owner alone may read
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) master_key_file: Option<PathBuf>,

    /// The file of the operator's key
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator_key_file: Option<PathBuf>,

    /// Make this workspace if it is missing, and print the token of its first Owner, once
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workspace: Option<String>,

    /// Let providers of workspaces connect to this network, as in 10.0.0.0/8; repeatable. Without it they
    /// reach the public internet alone: no private, link-local or loopback address, and not this host
    #[arg(long, value_name = "NET")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow_net: Vec<String>,

    /// Send requests to providers through the proxies of HTTPS_PROXY and the like. The proxy has to refuse
    /// the networks that --allow-net is about, since it looks names up by itself
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) trust_proxy: bool,

    /// How detailed the log on standard error is: error, warn, info, debug, or by module as in
    /// info,sqlx=debug. Default: info
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,

    /// Write the log as JSON lines
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) log_json: bool,

    /// How many seconds the host takes requests yet once it is told to stop, while /readyz says 503, so that
    /// a proxy sends no more of them. Default: 0, which closes the port at once
    #[arg(long, value_name = "SECONDS", value_parser = at_least::<u64>(0), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_delay_seconds: Option<u64>,

    /// How many seconds running calls may take to finish once the host stops. Default: 30
    #[arg(long, value_name = "SECONDS", value_parser = at_least::<u64>(0), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drain_seconds: Option<u64>,

    /// The largest body of a request, in bytes. Default: 33554432 (32 MiB)
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_body_bytes: Option<usize>,

    /// The largest head of a request, in bytes, 8192 or more. Default: 65536
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(8192), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_header_bytes: Option<usize>,

    /// The most connections at the same time. Default: 10000
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_connections: Option<usize>,

    /// How many seconds a connection may take for the head of a request, idle time included. Default: 30
    #[arg(long, value_name = "SECONDS", value_parser = at_least::<u64>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header_timeout_seconds: Option<u64>,

    /// How many seconds the body of a request may take. Default: 60
    #[arg(long, value_name = "SECONDS", value_parser = at_least::<u64>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_timeout_seconds: Option<u64>,

    /// How many seconds a client may take nothing of its answer before its call ends. Default: 30
    #[arg(long, value_name = "SECONDS", value_parser = at_least::<u64>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) write_timeout_seconds: Option<u64>,

    /// The most requests at the same time, streams included. Default: 5000
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_open_requests: Option<usize>,

    /// The same for one token, on this host. Default: 500
    #[arg(long, value_name = "N", value_parser = at_least::<usize>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_open_requests_per_token: Option<usize>,

    /// The requests of one token in a minute, on this host. Default: 6000
    #[arg(long, value_name = "N", value_parser = at_least::<u32>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests_per_minute: Option<u32>,

    /// The wrong tokens of one address in a minute that are answered with 401, on this host; more get 429.
    /// Default: 60
    #[arg(long, value_name = "N", value_parser = at_least::<u32>(1), allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrong_tokens_per_minute: Option<u32>,
}
