//! Tests of bodies: pieces, pace, content and content codings.

use std::io::Read;
use std::time::{Duration, Instant};

use fault_server::{Script, coding};

use crate::client::{Client, always, ms, wire_of};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// The bytes of a response behind its head.
async fn body(script: Script) -> Vec<u8> {
    let server = always(script).await;
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let (wire, _) = client.read_to_end().await;
    let head = wire.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    wire[head + 4..].to_vec()
}

#[tokio::test]
async fn write_split_cuts_at_given_sizes() {
    let script = Script::new(200).write_split("data: é\n\n", [7, 2], ms(20));
    let begin = Instant::now();
    assert_eq!(body(script).await, b"7\r\ndata: \xc3\r\n2\r\n\xa9\n\r\n1\r\n\n\r\n0\r\n\r\n");
    assert!(begin.elapsed() >= ms(40), "two waits between three pieces");
    for (sizes, wire) in [
        (vec![], "4\r\nabcd\r\n"),
        (vec![0, 9], "4\r\nabcd\r\n"),
        (vec![4, 1], "4\r\nabcd\r\n"),
        (vec![1, 0, 1], "1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n"),
    ] {
        let wire = format!("{CHUNKED}{wire}0\r\n\r\n");
        assert_eq!(wire_of(Script::new(200).write_split("abcd", sizes, Duration::ZERO)).await, wire);
    }
}

#[tokio::test]
async fn trickle_writes_one_byte_at_a_time() {
    let begin = Instant::now();
    let wire = wire_of(Script::new(200).trickle("abc", 1, ms(20))).await;
    assert_eq!(wire, format!("{CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
    assert!(begin.elapsed() >= ms(40));
    let wire = wire_of(Script::new(200).trickle("abc", 0, ms(0)).trickle("", 1, ms(0))).await;
    assert_eq!(wire, format!("{CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), "no piece is empty");
}

#[tokio::test]
async fn throttle_waits_after_each_piece() {
    let begin = Instant::now();
    let wire = wire_of(Script::new(200).write("abc").throttle(1, ms(2))).await;
    assert_eq!(wire, format!("{CHUNKED}3\r\nabc\r\n0\r\n\r\n"));
    assert!(begin.elapsed() >= ms(2) * wire.len() as u32, "head, chunk and end, each byte has its wait");
    // A client that closes ends it.
    let server = always(Script::new(200).write("abc").throttle(1, ms(1))).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect("HTTP/").await;
    drop(client);
    server.wait_for_client_close(1).await.expect("the close is noticed");
}

#[tokio::test]
async fn repeat_forever_ends_when_client_closes() {
    let server =
        always(Script::new(200).write("data: 1\n\n").repeat_forever(": keep-alive\n\n", ms(1))).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(CHUNKED).await;
    client.expect("9\r\ndata: 1\n\n\r\n").await;
    for _ in 0..20 {
        client.expect("e\r\n: keep-alive\n\n\r\n").await;
    }
    drop(client);
    server.wait_for_client_close(1).await.expect("the close is noticed");
    // Repeating no bytes is silence, and no busy loop that blocks other connections.
    let server = always(Script::new(200).repeat_forever("", Duration::ZERO)).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(CHUNKED).await;
    client.expect_silence().await;
    drop(client);
    server.wait_for_client_close(1).await.expect("the close is noticed");
}

#[tokio::test]
async fn repeat_counts_towards_content_length() {
    let script = Script::new(200).sized().repeat("\n ", 3, ms(1)).write("{}");
    assert_eq!(body(script).await, b"\n \n \n {}");
}

#[tokio::test]
async fn repeat_sends_a_body_of_64_mib() {
    let script = Script::new(200).sized().repeat(vec![b'x'; 1 << 16], 1 << 10, Duration::ZERO);
    assert_eq!(body(script).await.len(), 1 << 26);
}

#[tokio::test]
async fn body_may_be_invalid_utf8_or_have_a_bom() {
    assert_eq!(body(Script::new(200).body([b'"', 0xff, b'"'])).await, [b'"', 0xff, b'"']);
    assert_eq!(body(Script::new(200).body("\u{feff}{}")).await, b"\xef\xbb\xbf{}");
}

#[tokio::test]
async fn compressed_bodies_decode_to_their_input() {
    let text = "data: hello\n\n".repeat(10_000);
    let mut unpacked = String::new();
    let packed = body(Script::new(200).gzip(&text)).await;
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut unpacked).expect("gzip");
    assert!(unpacked == text);
    unpacked.clear();
    let packed = body(Script::new(200).deflate(&text)).await;
    flate2::read::ZlibDecoder::new(&*packed).read_to_string(&mut unpacked).expect("zlib");
    assert!(unpacked == text);

    let wire = wire_of(Script::new(200).header("content-encoding", "gzip").body("{}")).await;
    assert_eq!(wire, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "a lie");
    let half = coding::gzip(b"{}");
    let half = &half[..half.len() - 6];
    assert_eq!(body(Script::new(200).header("content-encoding", "gzip").body(half)).await, half);
}

#[tokio::test]
async fn gzip_bomb_unpacks_to_its_size() {
    let packed = body(Script::new(200).gzip_bomb(1 << 28)).await;
    assert!(packed.len() < 1 << 19, "{} bytes on the wire", packed.len());
    let mut unpacked = flate2::read::GzDecoder::new(&*packed);
    let size = std::io::copy(&mut unpacked, &mut std::io::sink()).expect("sound gzip");
    assert_eq!(size, 1 << 28);
}
