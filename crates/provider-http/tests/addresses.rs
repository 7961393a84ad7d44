//! The addresses that a client may connect to.

use fault_server::{FaultServer, Script};
use provider_core::{Error, ErrorKind, RetryAdvice};
use provider_http::{AddressPolicy, Endpoint, HttpClient, Proxies};

async fn get(policy: AddressPolicy, proxies: Proxies, url: &str) -> Result<String, Error> {
    let http = HttpClient::builder().addresses(policy).proxies(proxies).build()?;
    Endpoint::builder(url).allow_http(true).build(&http)?.get("models").text().await
}

#[tokio::test]
async fn forbidden_address_is_an_error_with_the_host_s_next_step() {
    let server = FaultServer::always(Script::new(200).write("{}")).await.expect("a server");
    let policy = AddressPolicy::public().next_step("ask the operator for --allow-net");
    let error = get(policy, Proxies::none(), &server.url()).await.expect_err("loopback");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Config, RetryAdvice::Never));
    let text = error.to_string();
    assert!(text.contains("is at a loopback address"), "{text}");
    assert_eq!(error.next_step(), Some("ask the operator for --allow-net"));
    assert_eq!(server.requests().len(), 0);
    let loopback = AddressPolicy::public().allow("127.0.0.0/8".parse().expect("a network"));
    get(loopback, Proxies::none(), &server.url()).await.expect("an answer");
}

#[tokio::test]
async fn proxy_does_not_lead_past_the_policy() {
    let proxy = FaultServer::always(Script::new(200).write("{}")).await.expect("a server");
    let through = || Proxies::all(proxy.url());
    let target = "http://10.255.255.1:9/v1";
    let error = get(AddressPolicy::public(), through(), target).await.expect_err("private");
    assert!(error.to_string().contains("is at a private address"), "{error}");
    assert_eq!(proxy.requests().len(), 0);
    // A proxy that is trusted is asked, and looks names up by itself.
    get(AddressPolicy::public().trust_proxies(), through(), target).await.expect("an answer");
    assert_eq!(proxy.requests().len(), 1);
}
