//! Reads requests.

use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::ReadHalf;

use crate::request::Request;

/// The largest head of a request that is read.
const MAX_HEAD_BYTES: usize = 1 << 20;

/// How much of a next request is taken in while an answer is played.
const MAX_READ_AHEAD: usize = 64 << 10;

/// How much is read at once.
const READ_SIZE: usize = 16 << 10;

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The client has gone.
    Gone,
    /// It cannot be read; the status says why.
    Bad(u16),
}

/// What has come on a connection and was not yet looked at.
pub(crate) struct RequestReader<'a> {
    reader: ReadHalf<'a>,
    buffer: Vec<u8>,
    /// The largest body that is read.
    limit: usize,
}

impl<'a> RequestReader<'a> {
    pub(crate) fn new(reader: ReadHalf<'a>, limit: usize) -> Self {
        Self { reader, buffer: Vec::new(), limit }
    }

    /// Ends when the client goes. Until then, takes in what it sends; safe to cancel.
    ///
    /// A client that sends on and on is held back after a while. From then on its going is not noticed here.
    pub(crate) async fn until_gone(&mut self) {
        while self.buffer.len() < MAX_READ_AHEAD {
            if self.fill().await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// The head of the next request. Its numbers are the caller's to set.
    pub(crate) async fn head(&mut self) -> Result<Request, ReadError> {
        let mut searched: usize = 0;
        let end = loop {
            // Blank lines in front of a request are passed over.
            let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.buffer.drain(..blank);
            let from = searched.saturating_sub(3);
            let found =
                self.buffer.get(from..).unwrap_or_default().windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break from + at;
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Bad(431));
            }
            searched = self.buffer.len();
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).into_owned();
        self.buffer.drain(..end + 4);
        parse(&head).ok_or(ReadError::Bad(400))
    }

    /// The body that belongs to this head.
    pub(crate) async fn body(&mut self, head: &Request) -> Result<Vec<u8>, ReadError> {
        let mut body = Vec::new();
        if head.header_has("transfer-encoding", "chunked") {
            loop {
                let line = self.line().await?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| ReadError::Bad(400))?;
                if size == 0 {
                    break;
                }
                self.take(size, &mut body).await?;
                self.line().await?;
            }
            // Trailers, up to a blank line.
            while !self.line().await?.is_empty() {}
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().map_err(|_| ReadError::Bad(400))?;
            self.take(length, &mut body).await?;
        }
        Ok(body)
    }

    /// Moves so many bytes behind these.
    async fn take(&mut self, mut size: usize, to: &mut Vec<u8>) -> Result<(), ReadError> {
        if to.len().saturating_add(size) > self.limit {
            return Err(ReadError::Bad(413));
        }
        loop {
            let here = size.min(self.buffer.len());
            to.extend(self.buffer.drain(..here));
            size -= here;
            if size == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// A line, without its end.
    async fn line(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Bad(400));
            }
            self.fill().await?;
        }
    }

    /// Reads more; safe to cancel.
    async fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.reserve(READ_SIZE);
        match self.reader.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(ReadError::Gone),
            Ok(_) => Ok(()),
        }
    }
}

/// A request without its body. Lines that are no headers are passed over.
fn parse(head: &str) -> Option<Request> {
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
