//! Tests of framing: lengths and chunks, true and false.

use fault_server::{ChunkFault, Script};

use crate::client::{Client, Ended, always, ms, wire_and_end, wire_of};

#[tokio::test]
async fn well_formed_responses_have_these_bytes() {
    let cases = [
        (Script::new(200), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (Script::new(204), "HTTP/1.1 204 No Content\r\n\r\n"),
        (Script::new(599), "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n"),
        (
            Script::json(429, "{}").header("retry-after", "3"),
            "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 3\r\n\
             content-length: 2\r\n\r\n{}",
        ),
        (
            Script::events("data: 1\n\n").write("data: 2\n\n"),
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
             9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n",
        ),
        (
            Script::new(200).write_each(["ab", "", "cde"]),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        ),
        (
            Script::new(200).sized().write("ab").repeat("cd", 2, ms(0)).trickle("efg", 2, ms(0)),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabcdcdefg",
        ),
        (
            Script::new(200).write("a").trailer("x-sum", "7"),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\n\r\n",
        ),
        (
            Script::json(200, "{}").http_1_0(),
            "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        ),
    ];
    for (script, wire) in cases {
        assert_eq!(wire_of(script).await, wire);
    }
}

#[tokio::test]
async fn content_length_is_sent_as_claimed() {
    for (script, length, body) in [
        (Script::new(200).content_length(100).body("{}"), "100", "{}"),
        (Script::new(200).body("{}").content_length(1), "1", "{}"),
        (Script::new(200).content_length(1_u64 << 32).body("{}"), "4294967296", "{}"),
        (Script::new(200).content_length("-1").body("{}"), "-1", "{}"),
        (Script::new(200).content_length("many"), "many", ""),
    ] {
        assert_eq!(
            wire_of(script).await,
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
        );
    }
    let two = Script::new(200).header("content-length", "5").body("{}");
    assert_eq!(wire_of(two).await, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 2\r\n\r\n{}");
    let both = Script::new(200).header("content-length", "5").chunked().write("{}");
    assert_eq!(
        wire_of(both).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn claimed_length_may_never_arrive() {
    let server = always(Script::new(200).content_length(1_u64 << 32).body("{").stall()).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect("HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n{").await;
    client.expect_silence().await;
}

#[tokio::test]
async fn unframed_body_ends_with_its_connection() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(
        wire_and_end(Script::new(200).unframed().body("{}").close()).await,
        (format!("{head}{{}}"), Ended::Fin)
    );
    // Without a close, the body has no end.
    let server = always(Script::new(200).unframed().body("{}")).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect(head).await;
    client.expect("{}").await;
    client.expect_silence().await;
    // HTTP/1.0 closes the connection by default.
    let server = always(Script::new(200).http_1_0().write("{}")).await;
    let mut client = Client::connect(&server).await;
    client.get("/").await;
    client.expect("HTTP/1.0 200 OK\r\n\r\n{}").await;
    client.expect_end(Ended::Fin).await;
}

#[tokio::test]
async fn chunk_faults_have_these_bytes() {
    for fault in ChunkFault::ALL {
        let wire = match fault {
            ChunkFault::NotHex => "zz\r\nhello\r\n",
            ChunkFault::Negative => "-5\r\nhello\r\n",
            ChunkFault::NoSize => "\r\nhello\r\n",
            ChunkFault::Huge => "7fffffffffffffff\r\nhello\r\n",
            ChunkFault::Overflow => "10000000000000005\r\nhello\r\n",
            ChunkFault::NoSizeEnd => "5hello\r\n",
            ChunkFault::NoDataEnd => "5\r\nhello",
            ChunkFault::TooShort => "a\r\nhello\r\n",
            ChunkFault::TooLong => "2\r\nhello\r\n",
            ChunkFault::LoneLf => "5\nhello\n",
            ChunkFault::Extension => "5;key=value\r\nhello\r\n",
            other => panic!("{other:?} has no line here"),
        };
        let script = Script::new(200).write("a").bad_chunk(fault).write("b");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(wire_of(script).await, format!("{head}1\r\na\r\n{wire}1\r\nb\r\n0\r\n\r\n"));
    }
}

#[tokio::test]
async fn no_last_chunk_keeps_the_connection() {
    let server = always(Script::new(200).write("a").no_last_chunk()).await;
    let mut client = Client::connect(&server).await;
    for _ in 0..2 {
        client.get("/").await;
        client.expect("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await;
        client.expect_silence().await;
    }
}

#[tokio::test]
async fn write_raw_bypasses_the_framing() {
    let script = Script::new(200).write("a").write_raw("not a chunk").write("b");
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(wire_of(script).await, format!("{head}1\r\na\r\nnot a chunk1\r\nb\r\n0\r\n\r\n"));
    // A raw head, with chunks behind it.
    let script = Script::raw("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n").chunked().write("a");
    assert_eq!(
        wire_of(script).await,
        "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "what came before the chunks stays as it is"
    );
}
