//! One connection, from its first byte to its end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::inbox::{Inbox, Missing};
use crate::play::play;
use crate::request::Request;
use crate::script::{After, Script};
use crate::shared::{Open, Shared};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// The client has gone.
    Gone,
    /// The server closes it with a FIN.
    Close,
    /// The server closes it with a RST.
    Reset,
}

/// Serves a connection.
pub(crate) async fn serve(mut socket: TcpStream, mut open: Open) {
    // Each piece goes out at once. If that cannot be had, the pieces are only larger.
    let _ = socket.set_nodelay(true);
    let (reader, mut writer) = socket.split();
    match converse(reader, &mut writer, open.number, open.shared()).await {
        Last::Gone => {
            drop(socket);
            open.by_client = true;
        }
        Last::Reset => {
            let _ = socket.set_zero_linger();
            drop(socket);
        }
        Last::Close => {
            let _ = socket.shutdown().await;
            drop(open);
            // To close a socket with unread bytes in it would reset it, and take away what was said last.
            let mut unread = [0; 4096];
            while matches!(socket.read(&mut unread).await, Ok(1..)) {}
        }
    }
}

async fn converse(
    reader: ReadHalf<'_>,
    writer: &mut WriteHalf<'_>,
    connection: usize,
    shared: &Shared,
) -> Last {
    let mut inbox = Inbox::new(reader, shared.max_request_bytes);
    if let Some(greeting) = shared.on_accept(connection) {
        if let Some(last) = perform(&greeting, &mut inbox, writer).await {
            return last;
        }
    }
    for number in 1.. {
        let missing = match exchange(&mut inbox, writer, (connection, number), shared).await {
            Ok(None) => continue,
            Ok(Some(last)) => return last,
            Err(missing) => missing,
        };
        if let Missing::Bad(status) = missing {
            let refusal = Script::new(status).header("connection", "close").body("not a request\n");
            return perform(&refusal.then_close(), &mut inbox, writer).await.unwrap_or(Last::Close);
        }
        break;
    }
    Last::Gone
}

/// Reads a request and answers it. `None` if the connection can serve the next one.
async fn exchange(
    inbox: &mut Inbox<'_>,
    writer: &mut WriteHalf<'_>,
    (connection, number_on_connection): (usize, usize),
    shared: &Shared,
) -> Result<Option<Last>, Missing> {
    let mut request = inbox.head().await?;
    (request.connection, request.number_on_connection) = (connection, number_on_connection);
    if let Some(script) = shared.early(&request) {
        shared.record(&mut request);
        if let Some(last) = perform(&script, inbox, writer).await {
            return Ok(Some(last));
        }
        inbox.body(&request).await?;
    } else {
        if request.says("expect", "100-continue") {
            let go_on = writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            go_on.map_err(|_| Missing::Gone)?;
        }
        request.body = inbox.body(&request).await?;
        shared.record(&mut request);
        let script = shared.answer(&request);
        if let Some(last) = perform(&script, inbox, writer).await {
            return Ok(Some(last));
        }
    }
    Ok(wants_close(&request).then_some(Last::Close))
}

/// Plays a script and what follows it, unless the client goes first. `None` if the connection is still good.
async fn perform(script: &Script, inbox: &mut Inbox<'_>, writer: &mut WriteHalf<'_>) -> Option<Last> {
    let mut next = Some(script);
    while let Some(script) = next {
        let after = tokio::select! {
            biased;
            played = play(script, writer) => played.ok(),
            () = inbox.until_gone() => None,
        };
        match after {
            None => return Some(Last::Gone),
            Some(After::Close) => return Some(Last::Close),
            Some(After::Reset) => return Some(Last::Reset),
            Some(After::Next) => next = script.follower(),
        }
    }
    None
}

/// Whether the client wants no other answer on this connection.
fn wants_close(request: &Request) -> bool {
    let old = request.version == "HTTP/1.0" && !request.says("connection", "keep-alive");
    old || request.says("connection", "close")
}
