//! Tests of heads: status lines, headers, delays, redirects.

use std::time::Instant;

use fault_server::Script;

use crate::client::{Client, Ended, always, ms, wire_and_end, wire_of};

#[tokio::test]
async fn status_line_is_sent_as_given() {
    for line in ["SSH-2.0-OpenSSH_9.6", "HTTP/1.1 two hundred", "HTTP/9.9 200 OK", "", "HTTP/1.1"] {
        let wire = wire_of(Script::new(200).status_line(line)).await;
        assert_eq!(wire, format!("{line}\r\ncontent-length: 0\r\n\r\n"));
    }
    assert_eq!(wire_of(Script::new(42)).await, "HTTP/1.1 42 \r\ncontent-length: 0\r\n\r\n");
    assert_eq!(wire_of(Script::raw("\x16\x03\x01").close()).await, "\x16\x03\x01");
}

#[tokio::test]
async fn interim_heads_come_first() {
    assert_eq!(
        wire_of(Script::new(200).interim(100).interim(103)).await,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    );
}

#[tokio::test]
async fn header_flood_sends_number_and_size() {
    let wire = wire_of(Script::new(200).header_flood(3, 2)).await;
    let headers = "x-flood-1: xx\r\nx-flood-2: xx\r\nx-flood-3: xx\r\n";
    assert_eq!(wire, format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n"));
    let wire = wire_of(Script::new(200).header_flood(10_000, 20)).await;
    assert_eq!(wire.lines().filter(|line| line.starts_with("x-flood-")).count(), 10_000);
    let wire = wire_of(Script::new(200).header_flood(1, 1 << 20)).await;
    assert_eq!(wire.lines().map(str::len).max(), Some((1 << 20) + "x-flood-1: ".len()));
}

#[tokio::test]
async fn endless_head_ends_when_client_closes() {
    let server = always(Script::json(200, "{}").endless_head()).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    let start = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    client.expect(start).await;
    let head = client.read(2_000_000).await;
    assert!(head.chunks(100).all(|line| line.starts_with(b"x-flood: x") && line.ends_with(b"x\r\n")));
    drop(client);
    server.wait_for_client_close(1).await.expect("the close is noticed");
}

#[tokio::test]
async fn headers_are_sent_unchecked() {
    let wire = wire_of(Script::new(200).header("x", "1\r\nset-cookie: a=b").header("Retry-After", "")).await;
    assert_eq!(
        wire,
        "HTTP/1.1 200 OK\r\nx: 1\r\nset-cookie: a=b\r\nRetry-After: \r\ncontent-length: 0\r\n\r\n"
    );
    let server = always(Script::new(200).header("x", [0xff, 0x00])).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect("HTTP/1.1 200 OK\r\nx: ").await;
    assert_eq!(client.read(4).await, [0xff, 0x00, b'\r', b'\n']);
}

#[tokio::test]
async fn delay_and_slow_head_take_their_time() {
    let begin = Instant::now();
    wire_of(Script::new(200).delay(ms(80))).await;
    assert!(begin.elapsed() >= ms(80));

    let server = always(Script::new(200).delay(ms(60_000))).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect_silence().await;
    drop(client);
    server.wait_for_client_close(1).await.expect("the close is noticed during a delay");

    let begin = Instant::now();
    let wire = wire_of(Script::new(200).slow_head(ms(2)).body("{}")).await;
    assert_eq!(wire, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    assert!(begin.elapsed() >= ms(2) * (wire.len() as u32 - 2), "each byte has its wait");
}

#[tokio::test]
async fn redirect_names_its_location() {
    let other = always(Script::new(200)).await;
    assert_eq!(
        wire_of(Script::redirect(307, other.url())).await,
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url())
    );
    let round = fault_server::FaultServer::start(|request| Script::redirect(302, request.path.clone()));
    let round = round.await.expect("a free port");
    let mut client = Client::connect(&round).await;
    for _ in 0..3 {
        client.get("/a?b=c").await;
        client.expect("HTTP/1.1 302 Found\r\nlocation: /a?b=c\r\ncontent-length: 0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn html_error_is_a_page_of_its_status() {
    let (wire, ended) = wire_and_end(Script::html_error(502)).await;
    assert_eq!(ended, Ended::Fin);
    let (head, page) = wire.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html"), "{head}");
    assert!(head.ends_with(&format!("content-length: {}", page.len())), "{head}");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Error code 502"), "{page}");
}
