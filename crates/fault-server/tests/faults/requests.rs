//! Tests of reading requests, and of responses before a request is read.

use fault_server::{FaultServer, Script};

use crate::client::{Client, Ended, always, ms};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn requests_are_recorded_as_sent() {
    let server = always(Script::new(204)).await;
    let mut first = Client::connect(&server).await;
    first
        .send("POST /chat?x=1 HTTP/1.1\r\nHost: test\r\nB: 1\r\na:2\r\nb: 3\r\nContent-Length: 4\r\n\r\nbody")
        .await;
    first.expect(NO_CONTENT).await;
    first.get("/again").await;
    first.expect(NO_CONTENT).await;
    let mut second = Client::connect(&server).await;
    second.send("\r\nPUT * HTTP/1.0\r\n\r\n").await;
    second.expect(NO_CONTENT).await;
    second.expect_end(Ended::Fin).await;

    let requests = server.requests();
    let [chat, again, put] = requests.as_slice() else { panic!("three, not {requests:?}") };
    assert_eq!(
        (chat.method.as_str(), chat.path.as_str(), chat.version.as_str()),
        ("POST", "/chat?x=1", "HTTP/1.1")
    );
    assert_eq!((chat.body.as_slice(), chat.text().as_str()), (&b"body"[..], "body"));
    let headers = [("Host", "test"), ("B", "1"), ("a", "2"), ("b", "3"), ("Content-Length", "4")];
    assert_eq!(chat.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!((chat.header("A"), chat.header("b"), chat.header("c")), (Some("2"), Some("1"), None));
    assert_eq!((again.method.as_str(), again.path.as_str(), again.body.len()), ("GET", "/again", 0));
    assert_eq!((put.method.as_str(), put.path.as_str(), put.version.as_str()), ("PUT", "*", "HTTP/1.0"));
    let numbers =
        |request: &fault_server::Request| (request.number, request.connection, request.number_on_connection);
    assert_eq!(requests.iter().map(numbers).collect::<Vec<_>>(), [(1, 1, 1), (2, 1, 2), (3, 2, 1)]);
    assert!(chat.at <= again.at && again.at <= put.at);
}

#[tokio::test]
async fn debug_hides_keys() {
    let server = always(Script::new(204)).await;
    let mut client = Client::connect(&server).await;
    client
        .send("GET / HTTP/1.1\r\nAuthorization: Bearer MARKER\r\nX-Api-Key: MARKER\r\na: shown\r\n\r\n")
        .await;
    client.expect(NO_CONTENT).await;
    let shown = format!("{:?} {:#?}", server.requests(), server);
    assert!(shown.contains("a: shown") && !shown.contains("MARKER"), "{shown}");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer MARKER"));
}

#[tokio::test]
async fn large_bodies_are_read_sized_or_chunked() {
    let server = always(Script::new(204)).await;
    let mut client = Client::connect(&server).await;
    let body: Vec<u8> = (0..8_000_000_u32).map(|at| (at % 251) as u8).collect();
    client.send(format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len())).await;
    client.send(&body).await;
    client.expect(NO_CONTENT).await;
    client.send("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for piece in body.chunks(70_000) {
        client.send(format!("{:X};x=y\r\n", piece.len())).await;
        client.send(piece).await;
        client.send("\r\n").await;
    }
    client.send("0\r\ntrailer: 1\r\n\r\n").await;
    client.expect(NO_CONTENT).await;
    client.get("/").await;
    client.expect(NO_CONTENT).await;
    let requests = server.requests();
    assert!(requests[0].body == body && requests[1].body == body && requests[2].body.is_empty());
}

#[tokio::test]
async fn split_and_pipelined_requests_are_read() {
    let server = always(Script::new(204)).await;
    let mut client = Client::connect(&server).await;
    for byte in b"POST /slow HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}" {
        client.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    client.expect(NO_CONTENT).await;
    client.send("POST /1 HTTP/1.1\r\ncontent-length: 1\r\n\r\naGET /2 HTTP/1.1\r\n\r\n").await;
    client.expect(NO_CONTENT).await;
    client.expect(NO_CONTENT).await;
    // The next request arrives while a script is played.
    server.set_responder(|_| Script::new(200).wait(ms(30)).write("x"));
    client.send("GET /3 HTTP/1.1\r\n\r\n").await;
    server.wait_for_requests(4).await.expect("it came");
    client.send("GET /4 HTTP/1.1\r\n\r\n").await;
    for _ in 0..2 {
        client.expect("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n").await;
    }
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/slow", "/1", "/2", "/3", "/4"]);
}

#[tokio::test]
async fn expect_100_continue_is_confirmed() {
    let server = always(Script::new(204)).await;
    let mut client = Client::connect(&server).await;
    client.send("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
    client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("{}").await;
    client.expect(NO_CONTENT).await;
    assert_eq!(server.requests()[0].body, b"{}");
}

/// A server that plays this script before the body of an upload is read.
async fn early_server(script: Script) -> FaultServer {
    let server =
        FaultServer::builder().respond_early(move |head| (head.path == "/upload").then(|| script.clone()));
    server.start(|_| Script::new(204)).await.expect("a free port")
}

#[tokio::test]
async fn early_response_precedes_the_body() {
    let server = early_server(Script::json(413, "{}")).await;
    let mut client = Client::connect(&server).await;
    client.send("POST /upload HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n").await;
    let answer =
        "HTTP/1.1 413 Content Too Large\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    client.expect(answer).await;
    // The body still belongs to the first request, and what comes behind it is the second.
    client.send(vec![b'x'; 1_000_000]).await;
    client.send("POST /other HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}").await;
    client.expect(NO_CONTENT).await;
    let requests = server.requests();
    assert_eq!((requests[0].path.as_str(), requests[0].body.len()), ("/upload", 0));
    assert_eq!((requests[1].path.as_str(), requests[1].body.len()), ("/other", 2));
}

#[tokio::test]
async fn early_end_interrupts_an_upload() {
    for (script, ended) in
        [(Script::no_response().reset(), Ended::Rst), (Script::new(413).then_close(), Ended::Fin)]
    {
        let server = early_server(script).await;
        let mut client = Client::connect(&server).await;
        client.send("POST /upload HTTP/1.1\r\ncontent-length: 1000000000\r\n\r\n").await;
        if ended == Ended::Fin {
            client.send(vec![b'x'; 3_000_000]).await;
            client.expect("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n").await;
        }
        client.expect_end(ended).await;
        // After a FIN the server goes on reading: a reset could destroy the response.
        for _ in 0..5 {
            assert_eq!(client.try_send(vec![b'x'; 1_000_000]).await.is_ok(), ended == Ended::Fin);
            tokio::time::sleep(ms(1)).await;
        }
    }
}

#[tokio::test]
async fn early_stall_holds_an_upload_back() {
    let server = early_server(Script::no_response().stall()).await;
    let mut client = Client::connect(&server).await;
    client.send("POST /upload HTTP/1.1\r\ncontent-length: 1000000000\r\n\r\n").await;
    let body = vec![b'x'; 100_000_000];
    let sent = tokio::time::timeout(ms(300), client.try_send(&body)).await;
    assert!(sent.is_err(), "the sockets hold some of it, not all: {sent:?}");
}
