//! Obstacles between a program and the service: certificates, TLS, proxies. Each case asks from a process of
//! its own, since the environment decides.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "tests fail by panicking, their helpers too")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fault_server::RefusedPort;
use openrouter_provider::OpenRouter;
use provider_tests::{Reply, ScriptedServer, request};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The end of one chat with a good key, asked for by a program of its own: `{"text": …}` or `{"error": …,
/// "display": …}`.
async fn asked(base_url: &str, env: &[(&str, &str)]) -> Value {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", "probe", "--nocapture"]).stderr(Stdio::null());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.env("PROBE_BASE_URL", base_url).envs(env.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
    let output = String::from_utf8(output.expect("it runs").stdout).expect("text");
    let line = output.lines().find_map(|line| line.split_once("PROBE ")).expect("a line of the probe").1;
    serde_json::from_str(line).expect("JSON")
}

#[tokio::test]
#[ignore = "asked by the other tests, in a process of its own"]
async fn probe() {
    let base_url = std::env::var("PROBE_BASE_URL").expect("an address");
    let values = [("api_key", "sk-or-v1-test"), ("base_url", &base_url), ("allow_http", "yes")];
    let end = OpenRouter::from_values(values).expect("good settings").chat(&request()).await;
    let told = match end {
        Ok(reply) => json!({"text": reply.text()}),
        Err(error) => json!({"display": error.to_string(), "error": error, "debug": format!("{error:?}")}),
    };
    println!("PROBE {told}");
}

/// Fails unless it ended in an error of this kind, whose line has these words.
#[track_caller]
fn told(end: &Value, kind: &str, is_retryable: bool, words: &[&str]) {
    assert_eq!(end["error"]["kind"], kind, "{end}");
    assert_eq!(end["error"]["retryable"], is_retryable, "{end}");
    for words in words {
        assert!(end["display"].as_str().expect("a line").contains(words), "nothing of {words:?} in {end}");
    }
}

fn answer() -> Reply {
    Reply::json(200, r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#)
}

/// A server with a certificate for these names; the address, and a file with the certificate for clients that
/// are to trust it.
async fn tls_server(file: &str, params: CertificateParams) -> (String, PathBuf) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&file, certificate.pem()).expect("a file");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a good certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut some = [0; 4096];
            let _ = socket.read(&mut some).await;
            let body = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = socket.write_all((head + body).as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    (format!("https://localhost:{port}/api/v1"), file)
}

fn certificate(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

/// A server that writes these bytes to whoever connects, and closes.
async fn raw_server(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut some = [0; 4096];
            let _ = socket.read(&mut some).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    port
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_final_and_says_why() {
    let mut old = certificate("localhost");
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let mut early = certificate("localhost");
    (early.not_before, early.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2095, 1, 1));
    for (file, params, words) in [
        ("network-old.pem", old, ["certificate has expired", "clock"]),
        ("network-early.pem", early, ["certificate is not valid yet", "clock"]),
        (
            "network-other.pem",
            certificate("other.example"),
            ["certificate is for another name", "host name in base_url"],
        ),
    ] {
        let (url, file) = tls_server(file, params).await;
        let end = asked(&url, &[("SSL_CERT_FILE", &file.to_string_lossy())]).await;
        told(&end, "connection", false, &words);
    }
    let (url, file) = tls_server("network-good.pem", certificate("localhost")).await;
    assert_eq!(asked(&url, &[("SSL_CERT_FILE", &file.to_string_lossy())]).await["text"], "Hi");
    // Of authorities that no machine knows: one by its name, one of the name that this machine trusts.
    let mut stranger = certificate("localhost");
    stranger.distinguished_name.push(DnType::CommonName, "Stranger");
    for (params, words) in [
        (stranger, "an authority that this machine does not trust"),
        (certificate("localhost"), "not signed by the authority that this machine knows by that name"),
    ] {
        let (url, _) = tls_server("network-stranger.pem", params).await;
        let end = asked(&url, &[("SSL_CERT_FILE", &file.to_string_lossy())]).await;
        told(&end, "connection", false, &[words, "SSL_CERT_FILE can name"]);
    }
}

#[tokio::test]
async fn a_handshake_that_is_refused_is_final_and_one_that_breaks_off_is_not() {
    let (_, file) = tls_server("network-any.pem", certificate("localhost")).await;
    let file = file.to_string_lossy();
    let url = |port| format!("https://localhost:{port}/api/v1");
    let handshake_failure = b"\x15\x03\x03\x00\x02\x02\x28";
    for (bytes, is_final, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], true, "does not speak TLS"),
        (&handshake_failure[..], true, "refuses the TLS handshake"),
        (&b""[..], false, "cannot reach https://localhost"),
    ] {
        let end = asked(&url(raw_server(bytes).await), &[("SSL_CERT_FILE", &file)]).await;
        told(&end, "connection", !is_final, &[words]);
    }
    let refused = RefusedPort::new().expect("a port");
    let nobody = refused.url().replace("http://", "https://");
    told(&asked(&nobody, &[("SSL_CERT_FILE", &file)]).await, "connection", true, &["cannot reach"]);
}

#[tokio::test]
async fn a_proxy_that_is_in_the_way_is_named_without_its_password() {
    let refused = RefusedPort::new().expect("a port");
    let unreachable = refused.url();
    let says_407 = ScriptedServer::always(Reply::new(407, "text/html", "<html>Who are you?</html>")).await;
    let says_407 = says_407.expect("a free port");
    let says_502 = ScriptedServer::always(Reply::new(502, "text/html", "")).await.expect("a free port");
    let breaks_off = format!("http://127.0.0.1:{}", raw_server(b"").await);
    let (https, http) = ("https://gateway.invalid/api/v1", "http://gateway.invalid/api/v1");
    let unknown = "http://proxy.invalid:3128";
    for (base_url, variable, proxy, kind, is_retryable, words) in [
        (https, "HTTPS_PROXY", &*unreachable, "connection", false, "cannot be reached"),
        (http, "HTTP_PROXY", &*unreachable, "connection", false, "cannot be reached"),
        (https, "ALL_PROXY", &*unreachable, "connection", false, "cannot be reached"),
        (http, "all_proxy", &*unreachable, "connection", false, "cannot be reached"),
        (https, "https_proxy", unknown, "connection", false, "cannot be reached"),
        (http, "http_proxy", unknown, "connection", false, "cannot be reached"),
        (https, "HTTPS_PROXY", &*says_407.url(), "connection", false, "wants a user name"),
        (http, "HTTP_PROXY", &*says_407.url(), "connection", false, "wants a user name"),
        (
            https,
            "HTTPS_PROXY",
            &*says_502.url(),
            "connection",
            true,
            "does not connect to https://gateway.invalid",
        ),
        (https, "HTTPS_PROXY", &*breaks_off, "connection", true, "through the proxy"),
        (https, "ALL_PROXY", "socks5h://127.0.0.1:9", "config", false, "`socks`"),
        (http, "ALL_PROXY", "socks5://127.0.0.1:9", "config", false, "`socks`"),
        (http, "HTTP_PROXY", "socks4://127.0.0.1:9", "config", false, "`socks`"),
    ] {
        let with_password = proxy.replace("://", "://someone:s3cret@");
        for proxy_url in [proxy, &*with_password] {
            let end = asked(base_url, &[(variable, proxy_url)]).await;
            told(&end, kind, is_retryable, &[words, proxy, variable]);
            assert!(!end.to_string().contains("s3cret") && !end.to_string().contains("someone"), "{end}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_asked_is_not_blamed() {
    let refused = RefusedPort::new().expect("a port");
    let http = "http://gateway.invalid/api/v1";
    let end = asked(http, &[("HTTP_PROXY", &refused.url()), ("NO_PROXY", "gateway.invalid")]).await;
    told(&end, "connection", true, &["cannot reach http://gateway.invalid"]);
    assert!(!end.to_string().contains("the proxy"), "{end}");
    let server = ScriptedServer::always(answer()).await.expect("a free port");
    let end = asked(&server.url(), &[("HTTP_PROXY", &refused.url())]).await;
    assert_eq!(end["text"], "Hi", "this machine is not asked through a proxy");
    let end = asked(http, &[("HTTP_PROXY", &server.url())]).await;
    assert_eq!(end["text"], "Hi", "a proxy that works is no matter");
}

#[tokio::test]
async fn a_variable_that_names_no_proxy_is_mentioned_when_nothing_is_reached() {
    let end = asked("https://gateway.invalid/api/v1", &[("ALL_PROXY", "socks://127.0.0.1:9")]).await;
    told(&end, "connection", true, &["cannot reach https://gateway.invalid", "correct ALL_PROXY"]);
}
