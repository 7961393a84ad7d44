//! Tests of the server itself: choosing scripts, bad clients, counts, stop.

use fault_server::{FaultServer, Script};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::client::{Client, Ended, always, in_time, ms};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn sequence_repeats_its_last_script() {
    let server = FaultServer::sequence([Script::new(500), Script::new(503), Script::new(204)]);
    let server = server.await.expect("a free port");
    for status in ["500", "503", "204", "204"] {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(&format!("HTTP/1.1 {status} ")).await;
    }
    let error = FaultServer::sequence([]).await.expect_err("nothing to say");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn responder_sees_requests_and_can_change() {
    let mut seen = 0;
    let server = FaultServer::start(move |request| {
        seen += 1;
        Script::new(200).body(format!("{seen} {} {}", request.method, request.text()))
    });
    let server = server.await.expect("a free port");
    let mut client = Client::connect(&server).await;
    client.send("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi").await;
    client.expect("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1 POST hi").await;
    client.get("/").await;
    client.expect("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n2 GET ").await;
    server.set_responder(|_| Script::new(204));
    client.get("/").await;
    client.expect(NO_CONTENT).await;
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let server = FaultServer::builder().max_request_bytes(1_000);
    let server = server.start(|_| Script::new(204)).await.expect("a free port");
    let refused = |status| {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 14\r\n\r\nnot a request\n")
    };
    let cases: [(Vec<u8>, &str); 9] = [
        (b"hello\r\n\r\n".to_vec(), "400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n".to_vec(), "400 Bad Request"),
        (b"GET / HTTP/1.1 x\r\n\r\n".to_vec(), "400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "400 Bad Request"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(), "400 Bad Request"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1001\r\n\r\n".to_vec(), "413 Content Too Large"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), "400 Bad Request"),
        (
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec(),
            "413 Content Too Large",
        ),
        (vec![b'x'; (1 << 20) + 1], "431 Request Header Fields Too Large"),
    ];
    for (bytes, status) in cases {
        let mut client = Client::connect(&server).await;
        client.send(bytes).await;
        client.expect(&refused(status)).await;
        client.expect_end(Ended::Fin).await;
    }
    // Clients that close before or within a request.
    for bytes in ["", "GET", "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab"] {
        let mut client = Client::connect(&server).await;
        client.send(bytes).await;
    }
    server.wait_for_client_close(3).await.expect("the close is noticed");
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(NO_CONTENT).await;
    assert_eq!((server.request_count(), server.connection_count()), (1, 13));
}

#[tokio::test]
async fn panic_ends_its_connection_alone() {
    let server = FaultServer::start(|request| match request.path.as_str() {
        "/panic" => panic!("as it should"),
        _ => Script::new(204),
    });
    let server = server.await.expect("a free port");
    let mut client = Client::connect(&server).await;
    client.get("/panic").await;
    client.expect_end(Ended::Fin).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(NO_CONTENT).await;
    assert_eq!(server.open_connections(), 1);
}

#[tokio::test]
async fn connections_are_counted() {
    let server = always(Script::new(204)).await;
    let mut clients = Vec::new();
    for number in 1..=5 {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        client.expect(NO_CONTENT).await;
        clients.push(client);
        assert_eq!((server.connection_count(), server.open_connections()), (number, number));
    }
    clients.truncate(2);
    server.wait_for_client_close(3).await.expect("three went");
    assert_eq!((server.connection_count(), server.open_connections(), server.closed_by_client()), (5, 2, 3));
    clients.clear();
    server.wait_for_all_closed().await.expect("all went");
    assert_eq!((server.open_connections(), server.closed_by_client()), (0, 5));
}

#[tokio::test]
async fn wait_that_times_out_lists_the_counts() {
    let server = FaultServer::builder().wait_timeout(ms(20)).start(|_| Script::new(204));
    let server = server.await.expect("a free port");
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(NO_CONTENT).await;
    for (error, what) in [
        (server.wait_for_requests(2).await.expect_err("one came"), "2 requests"),
        (server.wait_for_client_close(1).await.expect_err("it is there"), "1 clients to close"),
        (server.wait_for_all_closed().await.expect_err("one is open"), "all connections to close"),
    ] {
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let happened = "requests: 1, connections: 1 (open: 1, closed by the client: 0)";
        assert_eq!(error.to_string(), format!("waited 20ms for {what}; so far: {happened}"));
    }
}

#[tokio::test]
async fn half_closed_client_gets_its_response() {
    let server = always(Script::json(200, "{}")).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.shut_down_write().await;
    let (answer, ended) = client.read_to_end().await;
    assert!(answer.ends_with(b"\r\n\r\n{}") && ended == Ended::Fin);
}

#[tokio::test]
async fn scripts_play_concurrently() {
    let server = always(Script::new(200).write("a").stall()).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        clients.push(client);
    }
    for client in &mut clients {
        client.expect("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await;
    }
    assert_eq!(server.open_connections(), 50);
}

/// A server with a connection in every state.
async fn busy_server() -> (FaultServer, Vec<Client>) {
    let server = FaultServer::start(|request| match request.path.as_str() {
        "/stall" => Script::new(200).stall(),
        "/wait" => Script::new(200).wait(ms(3_600_000)),
        "/flood" => Script::new(200).repeat_forever("x".repeat(100_000), ms(0)),
        "/closed" => Script::no_response().close(),
        _ => Script::new(204),
    });
    let server = server.await.expect("a free port");
    let mut clients = vec![Client::connect(&server).await];
    for path in ["/", "/stall", "/wait", "/flood", "/closed"] {
        let mut client = Client::connect(&server).await;
        client.get(path).await;
        clients.push(client);
    }
    server.wait_for_requests(5).await.expect("they came");
    (server, clients)
}

#[tokio::test]
async fn stop_ends_all_tasks() {
    let (server, clients) = busy_server().await;
    let address = server.address();
    assert!(Handle::current().metrics().num_alive_tasks() >= 7, "one for each connection and one to accept");
    in_time(server.stop()).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    TcpStream::connect(address).await.expect_err("the port is closed");
    for mut client in clients {
        client.read_to_end().await;
    }
}

#[tokio::test]
async fn drop_ends_all_tasks() {
    let (server, clients) = busy_server().await;
    let address = server.address();
    drop(server);
    for mut client in clients {
        client.read_to_end().await;
    }
    in_time(async {
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    TcpStream::connect(address).await.expect_err("the port is closed");
}

#[tokio::test]
async fn debug_of_a_script_is_short() {
    let script = Script::json(200, "x".repeat(1_000_000)).header("a", "b").gzip_bomb(1 << 20).write("end");
    let shown = format!("{script:?}");
    assert!(
        shown.len() < 3_000 && shown.contains("999800 bytes more") && shown.contains("\"end\""),
        "{shown}"
    );
}
