//! Proxies: used where the environment or the host says so, and named where they are in the way.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use fault_server::{FaultServer, RefusedPort, Script};
use provider_core::{Error, ErrorKind};
use provider_http::{HttpClient, Proxies};
use support::probe::{asked, told};
use support::{KEY, builder, whole};

const HTTPS: &str = "https://gateway.invalid/v1";
const HTTP: &str = "http://gateway.invalid/v1";

#[tokio::test]
#[ignore = "asked by the other tests, in a process of its own"]
async fn probe() {
    support::probe::probe().await;
}

async fn through(proxies: Proxies, base_url: &str) -> Result<String, Error> {
    let http = HttpClient::builder().proxies(proxies).build().expect("good settings");
    let endpoint = builder(base_url).allow_http(true).build(&http).expect("good settings");
    whole(&endpoint).await.map(|reply| reply.text().to_owned())
}

#[tokio::test]
async fn proxy_in_the_way_is_named_without_its_password() {
    let refused = RefusedPort::new().expect("a port");
    let unreachable = refused.url();
    let says_407 = FaultServer::always(Script::page(407)).await.expect("a free port");
    let says_502 = FaultServer::always(Script::reply(502, "text/html", "")).await.expect("a free port");
    let breaks_off = FaultServer::always(Script::nothing().close()).await.expect("a free port");
    let unknown = "http://proxy.invalid:3128";
    let lost = "connection failed, final";
    let socks = cfg!(feature = "socks");
    let unspoken = if socks { "cannot be reached" } else { "`socks`" };
    for (base_url, variable, proxy, kind, words) in [
        (HTTPS, "HTTPS_PROXY", &*unreachable, lost, "cannot be reached"),
        (HTTP, "HTTP_PROXY", &*unreachable, lost, "cannot be reached"),
        (HTTPS, "ALL_PROXY", &*unreachable, lost, "cannot be reached"),
        (HTTP, "all_proxy", &*unreachable, lost, "cannot be reached"),
        (HTTPS, "https_proxy", unknown, lost, "cannot be reached"),
        (HTTP, "http_proxy", unknown, lost, "cannot be reached"),
        (HTTPS, "HTTPS_PROXY", &*says_407.url(), lost, "wants a user name"),
        (HTTP, "HTTP_PROXY", &*says_407.url(), lost, "wants a user name"),
        (
            HTTPS,
            "HTTPS_PROXY",
            &*says_502.url(),
            "failed, may pass",
            "does not connect to https://gateway.invalid",
        ),
        (HTTPS, "HTTPS_PROXY", &*breaks_off.url(), "failed, may pass", "through the proxy"),
        (HTTPS, "ALL_PROXY", "socks5h://127.0.0.1:9", "final", unspoken),
        (HTTP, "ALL_PROXY", "socks5://127.0.0.1:9", "final", unspoken),
        (HTTP, "HTTP_PROXY", "socks4://127.0.0.1:9", "final", unspoken),
    ] {
        let with_password = proxy.replace("://", "://someone:s3cret@");
        for proxy_url in [proxy, &*with_password] {
            let end = asked(base_url, &[(variable, proxy_url)]).await;
            if !(socks && proxy.starts_with("socks") && base_url == HTTP) {
                told(&end, &[kind, words, proxy, variable]);
            }
            let all = format!("{end:?}");
            assert!(!all.contains("s3cret") && !all.contains("someone") && !all.contains("MARKER"), "{all}");
        }
    }
}

#[tokio::test]
async fn proxy_that_is_not_asked_is_not_blamed() {
    let refused = RefusedPort::new().expect("a port");
    let end = asked(HTTP, &[("HTTP_PROXY", &refused.url()), ("NO_PROXY", "gateway.invalid")]).await;
    told(&end, &["connection failed, may pass", "cannot reach http://gateway.invalid"]);
    assert!(!end.0.contains("proxy"), "{end:?}");
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let end = asked(&server.url(), &[("HTTP_PROXY", &refused.url())]).await;
    assert_eq!(end.0, "Hi", "this machine is not asked through a proxy");
    let end = asked(HTTP, &[("HTTP_PROXY", &server.url())]).await;
    assert_eq!(end.0, "Hi", "a proxy that works is no matter");
}

#[tokio::test]
async fn variable_that_names_no_proxy_is_mentioned() {
    let end = asked(HTTPS, &[("ALL_PROXY", "socks://127.0.0.1:9")]).await;
    told(&end, &["connection failed, may pass", "cannot reach https://gateway.invalid", "correct ALL_PROXY"]);
}

#[tokio::test]
async fn host_chooses_the_proxy() {
    let proxy = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let with_login = proxy.url().replace("://", "://user:pass@");
    assert_eq!(through(Proxies::all(&with_login), HTTP).await.expect("an answer"), "Hi");
    let request = &proxy.requests()[0];
    assert_eq!(request.path, "http://gateway.invalid/v1/chat", "the whole address is in the first line");
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));

    let error = through(Proxies::all(&with_login), HTTPS).await.expect_err("no tunnel");
    let request = &proxy.requests()[1];
    assert_eq!((&*request.method, &*request.path), ("CONNECT", "gateway.invalid:443"));
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(request.header("authorization"), None, "a tunnel is not told the key");
    assert!(!format!("{error:?}").contains("pass@"), "{error:?}");

    for direct in [Proxies::none(), Proxies::all(&with_login).except("other.example, gateway.invalid")] {
        let error = through(direct, HTTP).await.expect_err("no such host");
        assert!(!error.to_string().contains("proxy"), "{error}");
    }
    assert_eq!(proxy.request_count(), 2);
    let error =
        HttpClient::builder().proxies(Proxies::all("socks://u:s3cret@x")).build().expect_err("no proxy");
    assert_eq!((error.kind(), &*error.fields()[0].field), (ErrorKind::Config, "proxies"));
    assert!(!format!("{error:?} {:?}", Proxies::all(&with_login)).contains("s3cret"));
}

/// A SOCKS5 proxy that connects every client to this address, and remembers the names that were asked for.
#[cfg(feature = "socks")]
#[tokio::test]
async fn socks_proxy_resolves_names_itself() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
    use tokio::net::{TcpListener, TcpStream};

    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let target = server.address();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (asked, mut names) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = [0; 3];
            client.read_exact(&mut head).await.expect("a greeting");
            client.write_all(&[5, 0]).await.expect("a choice");
            let mut request = [0; 5];
            client.read_exact(&mut request).await.expect("a request");
            assert_eq!(request[..4], [5, 1, 0, 3], "a name is sent, and not an address");
            let mut name = vec![0; usize::from(request[4]) + 2];
            client.read_exact(&mut name).await.expect("a name and a port");
            asked.send(String::from_utf8_lossy(&name[..name.len() - 2]).into_owned()).expect("a reader");
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.expect("an answer");
            let mut server = TcpStream::connect(target).await.expect("the server");
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    assert_eq!(through(Proxies::all(format!("socks5h://{address}")), HTTP).await.expect("an answer"), "Hi");
    assert_eq!(names.recv().await.as_deref(), Some("gateway.invalid"));
}
