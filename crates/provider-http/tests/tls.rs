//! TLS: certificates that can be trusted or not, and handshakes that fail.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use fault_server::RefusedPort;
use provider_core::ErrorKind;
use provider_http::HttpClient;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use support::probe::{asked, told};
use support::{builder, whole};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

#[tokio::test]
#[ignore = "asked by the other tests, in a process of its own"]
async fn probe() {
    support::probe::probe().await;
}

/// A server with a certificate for these names; its address, and the certificate.
async fn tls_server(params: CertificateParams) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
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
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nw:Hi";
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    (format!("https://localhost:{port}/v1"), certificate.pem())
}

fn certificate(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

fn file(name: &str, pem: &str) -> String {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, pem).expect("a file");
    file.to_string_lossy().into_owned()
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
async fn untrusted_certificate_is_final_and_says_why() {
    let mut old = certificate("localhost");
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let mut early = certificate("localhost");
    (early.not_before, early.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2095, 1, 1));
    for (name, params, words) in [
        ("http-old.pem", old, ["certificate has expired", "clock"]),
        ("http-early.pem", early, ["certificate is not valid yet", "clock"]),
        ("http-other.pem", certificate("other.example"), ["is for another name", "host name in base_url"]),
    ] {
        let (url, pem) = tls_server(params).await;
        let end = asked(&url, &[("SSL_CERT_FILE", &file(name, &pem))]).await;
        told(&end, &["connection failed, final", words[0], words[1]]);
    }
    let (url, pem) = tls_server(certificate("localhost")).await;
    let good = file("http-good.pem", &pem);
    assert_eq!(asked(&url, &[("SSL_CERT_FILE", &good)]).await.0, "Hi");
    // Of authorities that no machine knows: one by its name, one of the name that this machine trusts.
    let mut stranger = certificate("localhost");
    stranger.distinguished_name.push(DnType::CommonName, "Stranger");
    for (params, words) in [
        (stranger, "an authority that this machine does not trust"),
        (certificate("localhost"), "not signed by the authority that this machine knows by that name"),
    ] {
        let (url, _) = tls_server(params).await;
        let end = asked(&url, &[("SSL_CERT_FILE", &good)]).await;
        told(&end, &["connection failed, final", words, "SSL_CERT_FILE can name"]);
    }
    let end = asked(&url, &[("SSL_CERT_FILE", &file("http-none.pem", ""))]).await;
    told(&end, &["configuration, final", "are CA certificates installed?"]);
}

#[tokio::test]
async fn host_adds_an_authority_or_its_own_configuration() {
    let (url, pem) = tls_server(certificate("localhost")).await;
    let http = HttpClient::builder().root_certificates(&pem).build().expect("a certificate");
    let endpoint = builder(&url).build(&http).expect("settings");
    assert_eq!(whole(&endpoint).await.expect("an answer").text(), "Hi");

    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let nobody = config.with_root_certificates(tokio_rustls::rustls::RootCertStore::empty());
    let http = HttpClient::builder().rustls_config(nobody.with_no_client_auth()).build().expect("a client");
    let error = whole(&builder(&url).build(&http).expect("settings")).await.expect_err("no trust");
    assert!(error.message().contains("does not trust"), "{error}");

    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"] {
        let error = HttpClient::builder().root_certificates(pem).build().expect_err("no certificate");
        assert_eq!((error.kind(), &*error.fields()[0].field), (ErrorKind::Config, "root_certificates"));
    }
}

#[tokio::test]
async fn refused_handshake_is_final_and_a_broken_one_is_not() {
    let url = |port| format!("https://localhost:{port}/v1");
    let ask = async |url: String| {
        whole(&builder(&url).build(&HttpClient::new()).expect("settings")).await.expect_err("no TLS")
    };
    let handshake_failure = b"\x15\x03\x03\x00\x02\x02\x28";
    for (bytes, is_final, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], true, "does not speak TLS"),
        (&handshake_failure[..], true, "refuses the TLS handshake"),
        (&b""[..], false, "cannot reach https://localhost"),
    ] {
        let error = ask(url(raw_server(bytes).await)).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, !is_final), "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    let refused = RefusedPort::new().expect("a port");
    let error = ask(refused.url().replace("http://", "https://")).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error}");
}

/// A server that takes HTTP/2 is spoken to in HTTP/2.
#[cfg(feature = "http2")]
#[tokio::test]
async fn http_2_is_spoken_where_the_server_offers_it() {
    let key = KeyPair::generate().expect("a key");
    let certificate = certificate("localhost").self_signed(&key).expect("a certificate");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a good certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let served = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut socket = TlsAcceptor::from(Arc::new(config)).accept(socket).await.expect("a handshake");
        let mut preface = [0; 14];
        socket.read_exact(&mut preface).await.expect("a preface");
        preface
    });
    let http = HttpClient::builder().root_certificates(certificate.pem()).build().expect("a certificate");
    whole(&builder(&url).build(&http).expect("settings")).await.expect_err("the server leaves");
    assert_eq!(&served.await.expect("no panic"), b"PRI * HTTP/2.0");
}
