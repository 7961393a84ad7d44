//! A client on a bare socket: it returns the bytes of the wire as they come.

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

/// Plays a script for a client that asks for one response, and returns all bytes and the connection's end.
pub(crate) async fn wire_and_end(script: Script) -> (String, Ended) {
    let server = always(script).await;
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let (bytes, ended) = client.read_to_end().await;
    (String::from_utf8(bytes).expect("text"), ended)
}

/// Plays a script as above, and returns its bytes. The connection must end with a FIN.
pub(crate) async fn wire_of(script: Script) -> String {
    let (said, ended) = wire_and_end(script).await;
    assert_eq!(ended, Ended::Fin, "{said}");
    said
}

pub(crate) struct Client {
    socket: TcpStream,
}

impl Client {
    pub(crate) async fn connect(server: &FaultServer) -> Self {
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

    /// Reads exactly `count` bytes.
    pub(crate) async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        in_time(self.socket.read_exact(&mut bytes)).await.expect("more bytes");
        bytes
    }

    /// Reads as many bytes as `text` has, and compares them with it.
    pub(crate) async fn expect(&mut self, text: &str) {
        let bytes = self.read(text.len()).await;
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    /// Checks for 60 ms that no byte comes and the connection does not end.
    pub(crate) async fn expect_silence(&mut self) {
        let read = timeout(ms(60), self.socket.read_u8()).await;
        assert!(read.is_err(), "silence, not {read:?}");
    }

    /// Reads until the connection ends, and returns the bytes and the end.
    pub(crate) async fn read_to_end(&mut self) -> (Vec<u8>, Ended) {
        let mut bytes = Vec::new();
        match in_time(self.socket.read_to_end(&mut bytes)).await {
            Ok(_) => (bytes, Ended::Fin),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => (bytes, Ended::Rst),
            Err(error) => panic!("{error}"),
        }
    }

    /// Checks that the connection ends in this way, without another byte.
    pub(crate) async fn expect_end(&mut self, ended: Ended) {
        let (bytes, how) = self.read_to_end().await;
        assert_eq!((String::from_utf8_lossy(&bytes).as_ref(), how), ("", ended));
    }

    /// Closes the sending half.
    pub(crate) async fn shut_down_write(&mut self) {
        self.socket.shutdown().await.expect("an open connection");
    }
}

/// Fails a test that would hang, after 20 s.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.expect("in good time")
}
