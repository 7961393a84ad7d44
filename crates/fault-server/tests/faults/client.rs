//! A client that shows what came over the wire, and nothing else.

use std::future::Future;
use std::io;
use std::time::Duration;

use fault_server::{FaultServer, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Fin,
    Rst,
}

pub(crate) fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

pub(crate) async fn always(script: Script) -> FaultServer {
    FaultServer::always(script).await.expect("a free port")
}

/// All that this script says over the wire to a client that wants one answer only, and the end of the
/// connection.
pub(crate) async fn said(script: Script) -> (String, Ended) {
    let server = always(script).await;
    let mut client = Client::of(&server).await;
    client.send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let (bytes, ended) = client.rest().await;
    (String::from_utf8(bytes).expect("text"), ended)
}

/// What this script says over the wire, which ends with a FIN.
pub(crate) async fn says(script: Script) -> String {
    let (said, ended) = said(script).await;
    assert_eq!(ended, Ended::Fin, "{said}");
    said
}

pub(crate) struct Client {
    socket: TcpStream,
}

impl Client {
    pub(crate) async fn of(server: &FaultServer) -> Self {
        Self { socket: TcpStream::connect(server.address()).await.expect("a connection") }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("an open connection");
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        in_time(self.socket.write_all(bytes.as_ref())).await
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// The next so many bytes.
    pub(crate) async fn next(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        in_time(self.socket.read_exact(&mut bytes)).await.expect("more bytes");
        bytes
    }

    /// Reads as many bytes as this has, which must be these.
    pub(crate) async fn expect(&mut self, text: &str) {
        let bytes = self.next(text.len()).await;
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    /// Nothing comes and nothing ends, as long as one cares to look.
    pub(crate) async fn expect_silence(&mut self) {
        let read = timeout(ms(60), self.socket.read_u8()).await;
        assert!(read.is_err(), "silence, not {read:?}");
    }

    /// Whatever comes until the connection ends, and how it ends.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, Ended) {
        let mut bytes = Vec::new();
        match in_time(self.socket.read_to_end(&mut bytes)).await {
            Ok(_) => (bytes, Ended::Fin),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => (bytes, Ended::Rst),
            Err(error) => panic!("{error}"),
        }
    }

    /// The connection ends here, like this.
    pub(crate) async fn expect_end(&mut self, ended: Ended) {
        let (bytes, how) = self.rest().await;
        assert_eq!((String::from_utf8_lossy(&bytes).as_ref(), how), ("", ended));
    }

    /// Says that it will send no more.
    pub(crate) async fn finish(&mut self) {
        self.socket.shutdown().await.expect("an open connection");
    }
}

/// A test must fail rather than hang.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.expect("in good time")
}
