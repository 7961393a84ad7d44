//! Tests of ends at every place, and of ports without a server.

use std::time::Instant;

use fault_server::{BlackholePort, FaultServer, RefusedPort, Script};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, Ended, always, ms, wire_and_end};

/// A script for each place where it can end, and its bytes up to there.
fn places() -> [(Script, &'static str); 5] {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    [
        (Script::no_response(), ""),
        (Script::raw("HTTP/1.1 200 OK\r\ncontent-le"), "HTTP/1.1 200 OK\r\ncontent-le"),
        (Script::new(200), head),
        (
            Script::new(200).write("data: 1\n\nda"),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\ndata: 1\n\nda\r\n",
        ),
        (
            Script::new(200).write_raw("b\r\ndata"),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\ndata",
        ),
    ]
}

#[tokio::test]
async fn stall_is_silent_at_every_place() {
    for (script, wire) in places() {
        let server = always(script.stall()).await;
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(wire).await;
        client.expect_silence().await;
        assert_eq!((server.open_connections(), server.closed_by_client()), (1, 0), "{wire}");
        drop(client);
        server.wait_for_client_close(1).await.expect("the close is noticed");
        assert_eq!((server.open_connections(), server.closed_by_client()), (0, 1), "{wire}");
    }
}

#[tokio::test]
async fn close_sends_fin_at_every_place() {
    for (script, wire) in places() {
        let server = always(script.close()).await;
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(wire).await;
        client.expect_end(Ended::Fin).await;
        server.wait_for_all_closed().await.expect("closed");
        assert_eq!(server.closed_by_client(), 0, "the server closed it");
    }
}

#[tokio::test]
async fn reset_sends_rst_at_every_place() {
    for (script, wire) in places() {
        // The wait lets the bytes arrive before the reset destroys them.
        let server = always(script.wait(ms(30)).reset()).await;
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(wire).await;
        client.expect_end(Ended::Rst).await;
        server.wait_for_all_closed().await.expect("closed");
        assert_eq!(server.closed_by_client(), 0, "the server closed it");
    }
}

#[tokio::test]
async fn then_close_follows_a_whole_response() {
    let wire = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    for (script, ended) in [
        (Script::json(200, "{}").then_close(), Ended::Fin),
        (Script::json(200, "{}").wait(ms(30)).then_reset(), Ended::Rst),
    ] {
        let server = always(script).await;
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(wire).await;
        client.expect_end(ended).await;
    }
}

#[tokio::test]
async fn close_can_wait_for_the_second_request() {
    let server = FaultServer::start(|request| match request.number_on_connection {
        1 => Script::new(200),
        _ => Script::no_response().close(),
    });
    let server = server.await.expect("a free port");
    for _ in 0..2 {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        client.expect_silence().await;
        client.get("/").await;
        client.expect_end(Ended::Fin).await;
    }
}

#[tokio::test]
async fn follower_is_sent_without_a_request() {
    let script =
        Script::json(200, "1").followed_by(Script::json(200, "2")).followed_by(Script::no_response().close());
    let reply = |body| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{body}")
    };
    assert_eq!(wire_and_end(script).await, (reply(1) + &reply(2), Ended::Fin));
    // A script that closes has no follower.
    let script = Script::json(200, "1").then_close().followed_by(Script::json(200, "2"));
    assert_eq!(wire_and_end(script).await, (reply(1), Ended::Fin));
}

#[tokio::test]
async fn no_response_ignores_the_request() {
    let server = FaultServer::sequence([Script::no_response(), Script::new(204)]).await.expect("a free port");
    let mut client = Client::connect(&server).await;
    client.get("/1").await;
    client.expect_silence().await;
    client.get("/2").await;
    client.expect("HTTP/1.1 204 No Content\r\n\r\n").await;
}

#[tokio::test]
async fn on_accept_plays_before_the_first_request() {
    let server = FaultServer::builder().on_accept(|connection| match connection {
        1 => Some(Script::no_response().close()),
        2 => Some(Script::no_response().reset()),
        3 => Some(Script::raw("220 ready\r\n")),
        4 => Some(Script::no_response().stall()),
        _ => None,
    });
    let server = server.start(|_| Script::new(204)).await.expect("a free port");
    Client::connect(&server).await.expect_end(Ended::Fin).await;
    Client::connect(&server).await.expect_end(Ended::Rst).await;
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let mut greeted = Client::connect(&server).await;
    greeted.expect("220 ready\r\n").await;
    greeted.get("/").await;
    greeted.expect(answer).await;
    let mut ignored = Client::connect(&server).await;
    ignored.get("/").await;
    ignored.expect_silence().await;
    let mut served = Client::connect(&server).await;
    served.get("/").await;
    served.expect(answer).await;
    assert_eq!((server.connection_count(), server.open_connections(), server.request_count()), (5, 3, 2));
    drop(ignored);
    server.wait_for_client_close(1).await.expect("the close is noticed though nothing was read");
}

#[tokio::test]
async fn refused_port_refuses_connections() {
    let port = RefusedPort::new().expect("a free port");
    for _ in 0..3 {
        let error = TcpStream::connect(port.address()).await.expect_err("nobody listens");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    assert_eq!(port.url(), format!("http://{}", port.address()));
}

#[tokio::test]
async fn blackhole_port_leaves_connects_hanging() {
    let port = match BlackholePort::new().await {
        Ok(port) => port,
        // Linux drops connections; other systems need not.
        Err(error) if !cfg!(target_os = "linux") => {
            return assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        }
        Err(error) => panic!("{error}"),
    };
    let begin = Instant::now();
    let connected = timeout(ms(200), TcpStream::connect(port.address())).await;
    assert!(connected.is_err() && begin.elapsed() >= ms(200), "neither accepted nor refused: {connected:?}");
    assert_eq!(port.url(), format!("http://{}", port.address()));
}
