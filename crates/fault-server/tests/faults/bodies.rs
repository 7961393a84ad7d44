//! Bodies: how they are cut, how they are packed, what is in them.

use std::io::Read;
use std::time::{Duration, Instant};

use fault_server::{Script, coding};

use crate::client::{Client, always, ms, says};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// The answer to one request, after its head.
async fn body(script: Script) -> Vec<u8> {
    let server = always(script).await;
    let mut client = Client::of(&server).await;
    client.send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let (wire, _) = client.rest().await;
    let head = wire.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    wire[head + 4..].to_vec()
}

#[tokio::test]
async fn cut_anywhere() {
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
        assert_eq!(says(Script::new(200).write_split("abcd", sizes, Duration::ZERO)).await, wire);
    }
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let begin = Instant::now();
    let wire = says(Script::new(200).trickle("abc", 1, ms(20))).await;
    assert_eq!(wire, format!("{CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
    assert!(begin.elapsed() >= ms(40));
    let wire = says(Script::new(200).trickle("abc", 0, ms(0)).trickle("", 1, ms(0))).await;
    assert_eq!(wire, format!("{CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), "no piece is empty");
}

#[tokio::test]
async fn a_slow_loris() {
    let begin = Instant::now();
    let wire = says(Script::new(200).write("abc").throttle(1, ms(2))).await;
    assert_eq!(wire, format!("{CHUNKED}3\r\nabc\r\n0\r\n\r\n"));
    assert!(begin.elapsed() >= ms(2) * wire.len() as u32, "head, chunk and end, each byte has its wait");
    // It stops when nobody listens any more.
    let server = always(Script::new(200).write("abc").throttle(1, ms(1))).await;
    let mut client = Client::of(&server).await;
    client.get("/").await;
    client.expect("HTTP/").await;
    drop(client);
    server.wait_for_client_close(1).await.expect("it is noticed");
}

#[tokio::test]
async fn signs_of_life_for_ever() {
    let server =
        always(Script::new(200).write("data: 1\n\n").repeat_forever(": keep-alive\n\n", ms(1))).await;
    let mut client = Client::of(&server).await;
    client.get("/").await;
    client.expect(CHUNKED).await;
    client.expect("9\r\ndata: 1\n\n\r\n").await;
    for _ in 0..20 {
        client.expect("e\r\n: keep-alive\n\n\r\n").await;
    }
    drop(client);
    server.wait_for_client_close(1).await.expect("it is noticed");
    // For ever nothing is silence, not a busy loop that keeps others from being served.
    let server = always(Script::new(200).repeat_forever("", Duration::ZERO)).await;
    let mut client = Client::of(&server).await;
    client.get("/").await;
    client.expect(CHUNKED).await;
    client.expect_silence().await;
    drop(client);
    server.wait_for_client_close(1).await.expect("it is noticed");
}

#[tokio::test]
async fn white_space_before_json() {
    let script = Script::new(200).sized().repeat("\n ", 3, ms(1)).write("{}");
    assert_eq!(body(script).await, b"\n \n \n {}");
}

#[tokio::test]
async fn a_body_that_no_memory_should_hold() {
    let script = Script::new(200).sized().repeat(vec![b'x'; 1 << 16], 1 << 10, Duration::ZERO);
    assert_eq!(body(script).await.len(), 1 << 26);
}

#[tokio::test]
async fn almost_text() {
    assert_eq!(body(Script::new(200).body([b'"', 0xff, b'"'])).await, [b'"', 0xff, b'"']);
    assert_eq!(body(Script::new(200).body("\u{feff}{}")).await, b"\xef\xbb\xbf{}");
}

#[tokio::test]
async fn packed() {
    let text = "data: hello\n\n".repeat(10_000);
    let mut unpacked = String::new();
    let packed = body(Script::new(200).gzip(&text)).await;
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut unpacked).expect("gzip");
    assert!(unpacked == text);
    unpacked.clear();
    let packed = body(Script::new(200).deflate(&text)).await;
    flate2::read::ZlibDecoder::new(&*packed).read_to_string(&mut unpacked).expect("zlib");
    assert!(unpacked == text);

    let wire = says(Script::new(200).header("content-encoding", "gzip").body("{}")).await;
    assert_eq!(wire, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "a lie");
    let half = coding::gzip(b"{}");
    let half = &half[..half.len() - 6];
    assert_eq!(body(Script::new(200).header("content-encoding", "gzip").body(half)).await, half);
}

#[tokio::test]
async fn a_bomb() {
    let packed = body(Script::new(200).gzip_bomb(1 << 28)).await;
    assert!(packed.len() < 1 << 19, "{} bytes on the wire", packed.len());
    let mut unpacked = flate2::read::GzDecoder::new(&*packed);
    let size = std::io::copy(&mut unpacked, &mut std::io::sink()).expect("sound gzip");
    assert_eq!(size, 1 << 28);
}
