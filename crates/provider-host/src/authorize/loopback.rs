//! The address on this machine that a browser comes back to (RFC 8252, section 7.3).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use openrouter_provider::pkce::{Authorization, AuthorizationCode};
use provider_core::{Error, ErrorKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The path that the browser comes back to.
const PATH: &str = "/callback";
/// The most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// The longest wait for a request, and for a browser to take its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most connections at the same time. A browser opens several, some of which send nothing.
const MAX_CONNECTIONS: usize = 64;

/// A listener that this machine alone can reach.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
}

impl Loopback {
    /// Listens on a port; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is not free.
    pub(super) async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that the browser comes back to.
    pub(super) fn callback_url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Waits for the browser, and takes the code out of its address. A visit that is not the answer to this
    /// request (another page of this machine may guess the port) is refused, and the wait goes on.
    ///
    /// # Errors
    /// When the user does not approve, or the address has no code.
    pub(super) async fn code(&self, authorization: &Authorization) -> Result<AuthorizationCode, Error> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    // A connection that broke before it was accepted is not the one that is awaited.
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(timeout(PATIENCE, target(stream)));
                    }
                }
                Some(read) = connections.join_next() => {
                    let Ok(Ok(Ok((stream, target)))) = read else { continue };
                    let outcome = match is_callback(&target) {
                        true => authorization.code(&target),
                        false => {
                            answer(stream, "404 Not Found", "There is nothing here.").await;
                            continue;
                        }
                    };
                    match outcome {
                        Ok(code) => {
                            answer(stream, "200 OK", "Approved. You can close this page.").await;
                            return Ok(code);
                        }
                        Err(error) => {
                            let words = "This page is not the answer to the request of asq, or it \
                                         was not approved. The terminal says more.";
                            answer(stream, "400 Bad Request", words).await;
                            if error.kind() != ErrorKind::Authentication {
                                return Err(error);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn is_callback(target: &str) -> bool {
    target.split('?').next() == Some(PATH)
}

/// Reads the head of a request. Returns its target, which is empty for anything but a GET.
async fn target(mut stream: TcpStream) -> io::Result<(TcpStream, String)> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let target = match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => target.to_owned(),
        _ => String::new(),
    };
    Ok((stream, target))
}

/// Answers with a small page, and closes the connection.
async fn answer(mut stream: TcpStream, status: &str, words: &str) {
    let page = format!("<!doctype html><title>asq</title><p>{words}</p>\n");
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    let sent = async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await
    };
    // A browser that is gone needs no answer.
    let _ = timeout(PATIENCE, sent).await;
}
