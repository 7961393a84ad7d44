//! Serves one connection, from its first byte to its end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::play::play;
use crate::request::Request;
use crate::request_reader::{ReadError, RequestReader};
use crate::script::{Disposition, Script};
use crate::state::{ConnectionGuard, ServerState};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionEnd {
    /// The client closed it.
    ByClient,
    /// The server closes it with a FIN.
    Close,
    /// The server closes it with a RST.
    Reset,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(mut socket: TcpStream, mut guard: ConnectionGuard) {
    // Sends each piece at once. Where the system refuses, pieces may be joined, which every client must bear.
    let _ = socket.set_nodelay(true);
    let (reader, mut writer) = socket.split();
    match serve_requests(reader, &mut writer, guard.number, guard.state()).await {
        ConnectionEnd::ByClient => {
            drop(socket);
            guard.closed_by_client = true;
        }
        ConnectionEnd::Reset => {
            // A socket that is closed without lingering sends a RST.
            let _ = socket.set_zero_linger();
            drop(socket);
        }
        ConnectionEnd::Close => {
            let _ = socket.shutdown().await;
            drop(guard);
            // A socket that is closed with unread bytes sends a RST, which can destroy the response on its
            // way. So the rest is read until the client closes, too.
            let mut unread = [0; 4096];
            while matches!(socket.read(&mut unread).await, Ok(1..)) {}
        }
    }
}

/// Serves requests until one of them, or the client, ends the connection.
async fn serve_requests(
    reader: ReadHalf<'_>,
    writer: &mut WriteHalf<'_>,
    connection: usize,
    state: &ServerState,
) -> ConnectionEnd {
    let mut reader = RequestReader::new(reader, state.max_request_bytes);
    if let Some(script) = state.on_accept(connection) {
        if let Some(end) = play_all(&script, &mut reader, writer).await {
            return end;
        }
    }
    for number in 1.. {
        match serve_request(&mut reader, writer, (connection, number), state).await {
            Ok(None) => {}
            Ok(Some(end)) => return end,
            Err(ReadError::Closed) => break,
            Err(ReadError::Invalid(status)) => {
                let refusal = Script::new(status).header("connection", "close").body("not a request\n");
                let end = play_all(&refusal.then_close(), &mut reader, writer).await;
                return end.unwrap_or(ConnectionEnd::Close);
            }
        }
    }
    ConnectionEnd::ByClient
}

/// Reads a request and responds to it. Returns `None` if the connection can serve another one.
async fn serve_request(
    reader: &mut RequestReader<'_>,
    writer: &mut WriteHalf<'_>,
    (connection, number_on_connection): (usize, usize),
    state: &ServerState,
) -> Result<Option<ConnectionEnd>, ReadError> {
    let mut request = reader.head().await?;
    (request.connection, request.number_on_connection) = (connection, number_on_connection);
    if let Some(script) = state.respond_early(&request) {
        state.record(&mut request);
        if let Some(end) = play_all(&script, reader, writer).await {
            return Ok(Some(end));
        }
        // The body has to be taken off the connection before the next request can be read.
        reader.body(&request).await?;
    } else {
        if request.header_has("expect", "100-continue") {
            let sent = writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            sent.map_err(|_| ReadError::Closed)?;
        }
        request.body = reader.body(&request).await?;
        state.record(&mut request);
        let script = state.respond(&request);
        if let Some(end) = play_all(&script, reader, writer).await {
            return Ok(Some(end));
        }
    }
    Ok(wants_close(&request).then_some(ConnectionEnd::Close))
}

/// Plays a script and its followers, unless the client closes first. Returns `None` if the connection can
/// serve another request.
async fn play_all(
    script: &Script,
    reader: &mut RequestReader<'_>,
    writer: &mut WriteHalf<'_>,
) -> Option<ConnectionEnd> {
    let mut next = Some(script);
    while let Some(script) = next {
        // Biased: a script that is ready goes out whole, also to a client that has closed its sending half.
        let disposition = tokio::select! {
            biased;
            played = play(script, writer) => played.ok(),
            () = reader.closed() => None,
        };
        match disposition {
            None => return Some(ConnectionEnd::ByClient),
            Some(Disposition::Close) => return Some(ConnectionEnd::Close),
            Some(Disposition::Reset) => return Some(ConnectionEnd::Reset),
            Some(Disposition::KeepAlive) => next = script.follower(),
        }
    }
    None
}

/// Whether the client wants the connection closed after this request.
fn wants_close(request: &Request) -> bool {
    let http_1_0 = request.version == "HTTP/1.0" && !request.header_has("connection", "keep-alive");
    http_1_0 || request.header_has("connection", "close")
}
