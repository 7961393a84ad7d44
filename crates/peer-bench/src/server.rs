//! The server that all clients talk to: it plays bytes, in a process of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Failure;
use crate::work::{self, Stream};
use crate::{catalogue, tls};

#[derive(Default)]
struct Played {
    streams: Mutex<HashMap<String, Arc<Vec<Vec<u8>>>>>,
    connections: AtomicUsize,
    resumptions: AtomicUsize,
}

/// The server's end of a client's connection, plain or TLS.
trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for S {}

/// Serves until the process is ended. Writes the certificates that are to be trusted to this file, and prints
/// two ports: without TLS, and with it.
pub async fn serve(trusted: impl AsRef<Path>) -> Result<(), Failure> {
    let acceptor = tls::acceptor(trusted.as_ref())?;
    let (plain, secret) =
        (TcpListener::bind(("127.0.0.1", 0)).await?, TcpListener::bind(("127.0.0.1", 0)).await?);
    println!("{} {}", plain.local_addr()?.port(), secret.local_addr()?.port());
    let played = Arc::new(Played::default());
    loop {
        // A client that goes away ends its connection, and nothing else.
        tokio::select! {
            accepted = plain.accept() => {
                let (socket, played) = (accept(accepted, &played)?, played.clone());
                tokio::spawn(async move { drop(connection(socket, &played).await) });
            }
            accepted = secret.accept() => {
                let (socket, played, acceptor) = (accept(accepted, &played)?, played.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let socket = acceptor.accept(socket).await?;
                    if socket.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                        played.resumptions.fetch_add(1, Relaxed);
                    }
                    connection(socket, &played).await
                });
            }
        }
    }
}

fn accept(accepted: std::io::Result<(TcpStream, SocketAddr)>, played: &Played) -> std::io::Result<TcpStream> {
    let (socket, _) = accepted?;
    socket.set_nodelay(true)?;
    played.connections.fetch_add(1, Relaxed);
    Ok(socket)
}

async fn connection(mut socket: impl Socket, played: &Played) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(path) = request(&mut socket, &mut buffer).await? else { return Ok(()) };
        if path == "/connections" {
            let body = played.connections.load(Relaxed).to_string();
            json(&mut socket, &body).await?;
        } else if path == "/resumptions" {
            json(&mut socket, &played.resumptions.load(Relaxed).to_string()).await?;
        } else if path.ends_with("/models/count") {
            // Asked for without a body, to make a connection.
            json(&mut socket, "").await?;
        } else if path.ends_with("/models") || path.ends_with("/models/user") {
            json(&mut socket, catalogue::body()).await?;
        } else if path.starts_with("/whole/") {
            json(&mut socket, &work::whole()).await?;
        } else if let Some(stream) = Stream::parse(&path) {
            let frames = {
                let mut streams = played.streams.lock().unwrap_or_else(PoisonError::into_inner);
                streams.entry(path).or_insert_with(|| Arc::new(stream.frames())).clone()
            };
            play(&mut socket, stream, &frames).await?;
        } else {
            return Ok(());
        }
    }
}

/// Reads a request; gives its path, or nothing at the end of the connection.
async fn request(socket: &mut impl Socket, buffer: &mut Vec<u8>) -> std::io::Result<Option<String>> {
    let head = loop {
        if let Some(at) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    while buffer.len() < head + length {
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    buffer.drain(..head + length);
    Ok(Some(path))
}

async fn json(socket: &mut impl Socket, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    socket.flush().await
}

async fn play(socket: &mut impl Socket, stream: Stream, frames: &[Vec<u8>]) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                x-generation-id: gen-1760532574-2dAHZE6zUiSaYyanMrUf\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    let mut buffer = Vec::new();
    for frame in frames {
        wait(stream.gap).await;
        buffer.extend_from_slice(format!("{:x}\r\n", frame.len()).as_bytes());
        buffer.extend_from_slice(frame);
        buffer.extend_from_slice(b"\r\n");
        if stream.gap > 0 || buffer.len() > 16 << 10 {
            socket.write_all(&buffer).await?;
            buffer.clear();
        }
    }
    socket.write_all(&buffer).await?;
    socket.flush().await?;
    wait(stream.tail).await;
    socket.write_all(b"0\r\n\r\n").await?;
    socket.flush().await
}

/// Waits so many microseconds. Short waits keep the processor: a timer is too coarse for them.
async fn wait(micros: u64) {
    let gap = Duration::from_micros(micros);
    if gap >= Duration::from_millis(1) {
        return tokio::time::sleep(gap).await;
    }
    let begun = Instant::now();
    while begun.elapsed() < gap {
        tokio::task::yield_now().await;
    }
}
