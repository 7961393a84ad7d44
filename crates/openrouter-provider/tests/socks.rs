//! A SOCKS proxy, with the feature `socks`: it is asked, and what it says is told.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, RetryAdvice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
    {\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}";

/// Speaks SOCKS 5 with one client, and answers in the place of the host that it is asked for; that host.
async fn serve(mut socket: TcpStream, method: u8) -> std::io::Result<String> {
    let mut offered = [0; 2];
    socket.read_exact(&mut offered).await?;
    let mut methods = vec![0; usize::from(offered[1])];
    socket.read_exact(&mut methods).await?;
    socket.write_all(&[5, method]).await?;
    let mut asked = [0; 5];
    socket.read_exact(&mut asked).await?;
    let mut host_and_port = vec![0; usize::from(asked[4]) + 2];
    socket.read_exact(&mut host_and_port).await?;
    socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let mut request = [0; 4096];
    let _ = socket.read(&mut request).await?;
    socket.write_all(ANSWER.as_bytes()).await?;
    socket.shutdown().await?;
    Ok(String::from_utf8_lossy(&host_and_port[..host_and_port.len() - 2]).into_owned())
}

async fn chat_through(proxy: String) -> Result<ChatResponse, Error> {
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy).expect("an address"));
    let openrouter = OpenRouter::builder()
        .values([("api_key", "k"), ("base_url", "http://gateway.invalid/api/v1"), ("allow_http", "yes")])
        .http_client(client.tls_backend_preconfigured(no_tls()).build().expect("a client"));
    let request = ChatRequest::new("openai/gpt-4o").user("Hello");
    openrouter.build().expect("good settings").chat(&request).await
}

/// The HTTP client wants to know how it does TLS, although it does none here.
fn no_tls() -> rustls::ClientConfig {
    let crypto = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions();
    let roots = rustls::RootCertStore::empty();
    config.expect("versions").with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn a_socks_proxy_is_asked_for_the_host_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move { serve(listener.accept().await?.0, 0).await });
    let reply = chat_through(format!("socks5h://{address}")).await.expect("an answer");
    assert_eq!(reply.text(), "Hi");
    assert_eq!(served.await.expect("no panic").expect("it is asked"), "gateway.invalid");
}

#[tokio::test]
async fn a_socks_proxy_that_cannot_be_had_is_final() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    // It takes none of the ways to say who asks.
    tokio::spawn(async move { serve(listener.accept().await?.0, 0xff).await });
    let refused = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port");
    for (address, words) in [(address, "wants a user name"), (refused, "cannot be reached")] {
        let error = chat_through(format!("socks5h://{address}")).await.expect_err("no way");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Connection, RetryAdvice::Never), "{error}");
        assert!(error.to_string().contains("proxy") && error.to_string().contains(words), "{error}");
    }
}
