//! The server of a case: plain, with TLS, over IPv6, or none at all.

use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use provider_tests::{Reply, ScriptedServer};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::case::{Answer, Case, Transport};
use crate::play::Place;

/// A running server, if the case has one.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) place: Place,
    scripted: Option<ScriptedServer>,
}

impl Server {
    /// Plays the answers of a case in their order, and the last one from then on.
    pub(crate) async fn start(case: &Case, authority: &Authority) -> std::io::Result<Self> {
        let ip = if case.server == Transport::Ipv6 { "[::1]" } else { "127.0.0.1" };
        if case.server == Transport::Refused {
            // Bound and let go again: nobody else is told of the port.
            let address = StdListener::bind((ip, 0))?.local_addr()?;
            return Ok(Self { place: place("http", ip, address.port()), scripted: None });
        }
        let listener = TcpListener::bind(format!("{ip}:0")).await?;
        let port = listener.local_addr()?.port();
        let (answers, played) = (case.answers.clone(), AtomicUsize::new(0));
        let script = move |_: &provider_tests::Request| {
            let turn = played.fetch_add(1, Ordering::SeqCst).min(answers.len().saturating_sub(1));
            answers.get(turn).map_or_else(|| Reply::json(404, "{}"), Answer::reply)
        };
        let (place, tls) = match case.server {
            Transport::Tls => (place("https", "localhost", port), Some(authority.acceptor.clone())),
            _ => (place("http", ip, port), None),
        };
        let scripted = ScriptedServer::start_on(listener, tls, script)?;
        Ok(Self { place, scripted: Some(scripted) })
    }

    /// The requests that came, as a reading shows them.
    pub(crate) fn requests(&self) -> Value {
        let requests = self.scripted.as_ref().map(ScriptedServer::requests).unwrap_or_default();
        let shown = requests.iter().map(|request| {
            let headers = request.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            json!({
                "method": request.method,
                "path": request.path,
                "headers": headers.collect::<Map<_, _>>(),
                "body": body,
            })
        });
        shown.collect()
    }
}

fn place(scheme: &str, host: &str, port: u16) -> Place {
    let address = format!("{host}:{port}");
    Place { url: format!("{scheme}://{address}"), address, port: port.to_string() }
}

/// A certificate authority that no system knows, with the certificate of `localhost`.
pub(crate) struct Authority {
    acceptor: TlsAcceptor,
    /// The certificate as a file, for clients that are to trust it.
    pub(crate) file: PathBuf,
}

impl Authority {
    /// Makes the certificate, and puts it into a file of the test's own folder.
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports-authority.pem");
        std::fs::write(&file, own.cert.pem())?;
        let key = PrivateKeyDer::Pkcs8(own.key_pair.serialize_der().into());
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), file })
    }
}
