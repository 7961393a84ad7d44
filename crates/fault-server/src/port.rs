//! Ports where nobody answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A port that is taken and where nobody listens: connecting to it is refused.
///
/// Nobody else can get the port as long as this is held, unlike one that was only free a moment ago.
#[derive(Debug)]
pub struct RefusedPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl RefusedPort {
    /// Takes a free port of the loopback device.
    ///
    /// # Errors
    /// When none can be had.
    pub fn new() -> io::Result<Self> {
        let (socket, address) = bind_port()?;
        Ok(Self { address, _socket: socket })
    }

    /// Its base URL, `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port that does not even refuse: connecting to it goes on until the client's patience ends, as when a
/// firewall drops what is sent. This is what a connect timeout is for.
///
/// Its queue of connections is full and never emptied. Not every system drops what comes then; Linux does.
#[derive(Debug)]
pub struct BlackholePort {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

/// How many connections may fit into the shortest queue.
const MAX_BACKLOG: usize = 16;

/// On loopback a connection that comes about does so at once.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

impl BlackholePort {
    /// Takes a free port of the loopback device and fills its queue, which takes a third of a second.
    ///
    /// # Errors
    /// When none can be had, or ([`Unsupported`](io::ErrorKind::Unsupported)) when the system refuses
    /// connections, or takes any number of them.
    pub async fn new() -> io::Result<Self> {
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

    /// Its base URL, `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
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
