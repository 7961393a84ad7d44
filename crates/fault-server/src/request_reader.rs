//! Reads and parses requests.

use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::ReadHalf;

use crate::request::Request;

/// The largest head of a request, and the longest line of a chunked body, in bytes. Clients of tests stay far
/// below.
const MAX_HEAD_BYTES: usize = 1 << 20;

/// The reading half of a connection: a socket, and the bytes that were read ahead of it.
pub(crate) struct RequestReader<'a> {
    socket: ReadHalf<'a>,
    buffer: Vec<u8>,
    max_body_bytes: usize,
}

/// Why the next request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The client has closed the connection.
    Closed,
    /// The request is malformed or too large; this status says which.
    Invalid(u16),
}

impl<'a> RequestReader<'a> {
    pub(crate) fn new(socket: ReadHalf<'a>, max_body_bytes: usize) -> Self {
        Self { socket, buffer: Vec::new(), max_body_bytes }
    }

    /// Resolves when the client closes the connection, and buffers what it sends until then. Cancel-safe.
    ///
    /// With a full buffer, reading stops, which holds the client back. From then on this does not notice that
    /// the client closes.
    pub(crate) async fn closed(&mut self) {
        /// The part of the next request that is read while a script is played, in bytes.
        const MAX_READ_AHEAD: usize = 64 << 10;

        while self.buffer.len() < MAX_READ_AHEAD {
            if self.fill().await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Reads the head of the next request. The caller sets its numbers.
    pub(crate) async fn head(&mut self) -> Result<Request, ReadError> {
        let mut searched: usize = 0;
        let end = loop {
            // RFC 9112 lets a server skip blank lines in front of a request.
            let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.buffer.drain(..blank);
            // The blank line can begin in the last three bytes of what was searched before.
            let from = searched.saturating_sub(3);
            let found =
                self.buffer.get(from..).unwrap_or_default().windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break from + at;
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Invalid(431));
            }
            searched = self.buffer.len();
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).into_owned();
        self.buffer.drain(..end + 4);
        parse_head(&head).ok_or(ReadError::Invalid(400))
    }

    /// Reads the body that belongs to this head.
    pub(crate) async fn body(&mut self, head: &Request) -> Result<Vec<u8>, ReadError> {
        let mut body = Vec::new();
        if head.header_has("transfer-encoding", "chunked") {
            loop {
                let line = self.line().await?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| ReadError::Invalid(400))?;
                if size == 0 {
                    break;
                }
                self.read_into(&mut body, size).await?;
                self.line().await?;
            }
            // Trailers, up to a blank line.
            while !self.line().await?.is_empty() {}
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().map_err(|_| ReadError::Invalid(400))?;
            self.read_into(&mut body, length).await?;
        }
        Ok(body)
    }

    /// Appends the next `size` bytes to the body.
    async fn read_into(&mut self, body: &mut Vec<u8>, mut size: usize) -> Result<(), ReadError> {
        if body.len().saturating_add(size) > self.max_body_bytes {
            return Err(ReadError::Invalid(413));
        }
        loop {
            let buffered = size.min(self.buffer.len());
            body.extend(self.buffer.drain(..buffered));
            size -= buffered;
            if size == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Reads a line, and returns it without its end.
    async fn line(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Invalid(400));
            }
            self.fill().await?;
        }
    }

    /// Reads more bytes into the buffer. Cancel-safe.
    async fn fill(&mut self) -> Result<(), ReadError> {
        /// The bytes to read at once.
        const READ_SIZE: usize = 16 << 10;

        self.buffer.reserve(READ_SIZE);
        match self.socket.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(ReadError::Closed),
            Ok(_) => Ok(()),
        }
    }
}

/// Parses a head; the request has no body and no numbers yet. Lines without a colon are skipped.
fn parse_head(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, path, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    let headers = lines.filter_map(|line| line.split_once(':'));
    Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        version: version.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
        body: Vec::new(),
        number: 0,
        connection: 0,
        number_on_connection: 0,
        at: Instant::now(),
    })
}
