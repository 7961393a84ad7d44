//! Ports at which no connection comes about.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A bound port without a listener: the system refuses connections to it.
///
/// The port stays bound until this is dropped, so that no other program can take it in the meantime.
#[derive(Debug)]
pub struct RefusedPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl RefusedPort {
    /// Binds a free port of the loopback device.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new() -> io::Result<Self> {
        let (socket, address) = bind_port()?;
        Ok(Self { address, _socket: socket })
    }

    /// The base URL, `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port that drops connections: connecting to it hangs until the client's connect timeout, as behind a
/// firewall that drops packets.
///
/// Its accept queue is full and stays full. Linux drops what comes then; other systems need not.
#[derive(Debug)]
pub struct BlackholePort {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackholePort {
    /// Binds a free port of the loopback device and fills its accept queue, which takes 0.3 s.
    ///
    /// # Errors
    /// When no port is free, or ([`Unsupported`](io::ErrorKind::Unsupported)) when the system refuses
    /// connections to a full queue, or has no bound for the queue.
    pub async fn new() -> io::Result<Self> {
        /// A queue that was set to the minimum holds fewer connections than this on every system that has
        /// one.
        const MAX_BACKLOG: usize = 16;
        /// On loopback, a connection that the system accepts is there long before.
        const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

        let (socket, address) = bind_port()?;
        let listener = socket.listen(0)?;
        let mut queue = Vec::new();
        while queue.len() < MAX_BACKLOG {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => queue.push(socket),
                Ok(Err(_)) => break,
                Err(_) => return Ok(Self { address, _listener: listener, _queue: queue }),
            }
        }
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not drop connections"))
    }

    /// The base URL, `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bind_port() -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}
