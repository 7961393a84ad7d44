//! One connection, from its first byte to its end.

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
    /// The client has gone.
    Gone,
    /// The server closes it with a FIN.
    Close,
    /// The server closes it with a RST.
    Reset,
}

/// Serves a connection.
pub(crate) async fn serve(mut socket: TcpStream, mut open: ConnectionGuard) {
    // Each piece goes out at once. If that cannot be had, the pieces are only larger.
    let _ = socket.set_nodelay(true);
    let (reader, mut writer) = socket.split();
    match serve_requests(reader, &mut writer, open.number, open.state()).await {
        ConnectionEnd::Gone => {
            drop(socket);
            open.by_client = true;
        }
        ConnectionEnd::Reset => {
            let _ = socket.set_zero_linger();
            drop(socket);
        }
        ConnectionEnd::Close => {
            let _ = socket.shutdown().await;
            drop(open);
            // To close a socket with unread bytes in it would reset it, and take away what was said last.
            let mut unread = [0; 4096];
            while matches!(socket.read(&mut unread).await, Ok(1..)) {}
        }
    }
}

async fn serve_requests(
    reader: ReadHalf<'_>,
    writer: &mut WriteHalf<'_>,
    connection: usize,
    state: &ServerState,
) -> ConnectionEnd {
    let mut reader = RequestReader::new(reader, state.max_request_bytes);
    if let Some(greeting) = state.on_accept(connection) {
        if let Some(last) = play_all(&greeting, &mut reader, writer).await {
            return last;
        }
    }
    for number in 1.. {
        let missing = match exchange(&mut reader, writer, (connection, number), state).await {
            Ok(None) => continue,
            Ok(Some(last)) => return last,
            Err(missing) => missing,
        };
        if let ReadError::Bad(status) = missing {
            let refusal = Script::new(status).header("connection", "close").body("not a request\n");
            return play_all(&refusal.then_close(), &mut reader, writer)
                .await
                .unwrap_or(ConnectionEnd::Close);
        }
        break;
    }
    ConnectionEnd::Gone
}

/// Reads a request and answers it. `None` if the connection can serve the next one.
async fn exchange(
    reader: &mut RequestReader<'_>,
    writer: &mut WriteHalf<'_>,
    (connection, number_on_connection): (usize, usize),
    state: &ServerState,
) -> Result<Option<ConnectionEnd>, ReadError> {
    let mut request = reader.head().await?;
    (request.connection, request.number_on_connection) = (connection, number_on_connection);
    if let Some(script) = state.early(&request) {
        state.record(&mut request);
        if let Some(last) = play_all(&script, reader, writer).await {
            return Ok(Some(last));
        }
        reader.body(&request).await?;
    } else {
        if request.header_has("expect", "100-continue") {
            let go_on = writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            go_on.map_err(|_| ReadError::Gone)?;
        }
        request.body = reader.body(&request).await?;
        state.record(&mut request);
        let script = state.answer(&request);
        if let Some(last) = play_all(&script, reader, writer).await {
            return Ok(Some(last));
        }
    }
    Ok(wants_close(&request).then_some(ConnectionEnd::Close))
}

/// Plays a script and what follows it, unless the client goes first. `None` if the connection is still good.
async fn play_all(
    script: &Script,
    reader: &mut RequestReader<'_>,
    writer: &mut WriteHalf<'_>,
) -> Option<ConnectionEnd> {
    let mut next = Some(script);
    while let Some(script) = next {
        let after = tokio::select! {
            biased;
            played = play(script, writer) => played.ok(),
            () = reader.until_gone() => None,
        };
        match after {
            None => return Some(ConnectionEnd::Gone),
            Some(Disposition::Close) => return Some(ConnectionEnd::Close),
            Some(Disposition::Reset) => return Some(ConnectionEnd::Reset),
            Some(Disposition::KeepAlive) => next = script.follower(),
        }
    }
    None
}

/// Whether the client wants no other answer on this connection.
fn wants_close(request: &Request) -> bool {
    let old = request.version == "HTTP/1.0" && !request.header_has("connection", "keep-alive");
    old || request.header_has("connection", "close")
}
