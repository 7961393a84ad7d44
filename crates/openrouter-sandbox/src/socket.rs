//! A listener whose connections end when the sandbox stops.
//!
//! A graceful shutdown waits for open responses, and a stalled response never ends. So each socket watches
//! for the stop and fails its next read or write.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Resolves when the sandbox stops, or when its handle is gone.
pub(crate) async fn stopped(mut signal: watch::Receiver<bool>) {
    // An error means that the handle was dropped, which stops the sandbox, too.
    let _ = signal.wait_for(|stop| *stop).await;
}

/// Accepts connections on the loopback interface.
pub(crate) struct LocalListener {
    pub(crate) listener: TcpListener,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Listener for LocalListener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Nagle's algorithm would delay small events.
        let _ = stream.set_nodelay(true);
        (Socket { stream, stop: Some(Box::pin(stopped(self.stop.clone()))) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when the sandbox stops.
pub(crate) struct Socket {
    stream: TcpStream,
    /// `None` once the sandbox has stopped.
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Socket {
    fn check_stopped(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(stop) = self.stop.as_mut() {
            if stop.as_mut().poll(context).is_pending() {
                return Ok(());
            }
        }
        self.stop = None;
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_stopped(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_stopped(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_stopped(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
