//! The bearers that may use a route: every route, every role, two workspaces, no token and wrong ones.

use http::Method;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use workspace_server::{Access, ROUTES, Route};
use workspace_store::{Actor, NewWorkspace, Role};

use crate::support::{Host, OPERATOR_KEY};

const ROLES: [Role; 4] = [Role::Viewer, Role::Member, Role::Admin, Role::Owner];

/// A token that is well formed, and of no workspace.
const STRANGE: &str = "wst_0123456789abcdef01234567_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The path of a route for a workspace. Its other ids are those of nothing.
fn path(route: &Route, workspace: &str) -> String {
    let filled = route.path.replace("{workspace}", workspace);
    let mut path = String::new();
    for part in filled.split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { "none" } else { part });
    }
    path
}

fn request(host: &Host, route: &Route, workspace: &str) -> RequestBuilder {
    let request = host.http.request(route.method.clone(), format!("{}{}", host.url, path(route, workspace)));
    match route.method {
        Method::GET | Method::DELETE => request,
        _ => request.json(&json!({})),
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// The code of an error: of the envelope, or of OpenAI's shape.
async fn code(answer: Response) -> String {
    let body: Value = answer.json().await.unwrap_or_default();
    let code = body["code"].as_str().or(body["error"]["code"].as_str());
    code.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_route_lets_in_its_roles_alone() {
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(1_000_000)).await;
    let tests = Actor::new("tests");
    host.store.create_workspace(NewWorkspace::new("other"), &tests).await.expect("a workspace");
    let stranger = host.token("other", Role::Owner).await;
    for (number, route) in ROUTES.iter().enumerate() {
        // A workspace for each route, since one of them deletes it.
        let own = format!("walk-{number}");
        host.store.create_workspace(NewWorkspace::new(&own), &tests).await.expect("a workspace");
        let status = async |credential: Option<&str>| {
            let request = request(&host, route, &own);
            let answer = match credential {
                Some(credential) => send(request.bearer_auth(credential)).await,
                None => send(request).await,
            };
            let status = answer.status().as_u16();
            (status, if status >= 400 { code(answer).await } else { String::new() })
        };
        let refused = (401, "auth_error".to_owned());
        let is_refusal =
            |(status, code): &(u16, String)| *status == 401 || *status == 403 && code == "forbidden";
        if route.access == Access::Open {
            assert!(!is_refusal(&status(None).await), "{route:?}");
            continue;
        }
        for credential in [None, Some(""), Some("wst_"), Some(STRANGE)] {
            assert_eq!(status(credential).await, refused, "{route:?} with {credential:?}");
        }
        let mut tokens = Vec::new();
        for role in ROLES {
            tokens.push((role, host.token(&own, role).await));
        }
        match route.access {
            Access::Operator => {
                for (role, token) in &tokens {
                    assert_eq!(status(Some(token)).await, refused, "{route:?} with a token of the {role}");
                }
                assert!(!is_refusal(&status(Some(OPERATOR_KEY)).await), "{route:?}");
            }
            Access::Role(least) => {
                assert_eq!(status(Some(OPERATOR_KEY)).await, refused, "{route:?} with the operator's key");
                let found = status(Some(&stranger)).await;
                assert_eq!(found.0, 404, "{route:?} with a token of another workspace: {found:?}");
                for (role, token) in &tokens {
                    let found = status(Some(token)).await;
                    match *role >= least {
                        true => assert!(!is_refusal(&found), "{route:?} with the role {role}: {found:?}"),
                        false => {
                            assert_eq!(
                                found,
                                (403, "forbidden".to_owned()),
                                "{route:?} with the role {role}"
                            );
                        }
                    }
                }
            }
            _ => {
                for (role, token) in &tokens {
                    assert!(!is_refusal(&status(Some(token)).await), "{route:?} with the role {role}");
                }
            }
        }
    }
    host.stop().await;
}

#[tokio::test]
async fn words_of_headers_change_no_access() {
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(1_000_000)).await;
    let viewer = host.token("acme", Role::Viewer).await;
    let headers = [
        ("x-original-url", "/healthz"),
        ("x-rewrite-url", "/healthz"),
        ("x-forwarded-path", "/healthz"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-user", "owner"),
        ("x-http-method-override", "GET"),
        ("forwarded", "for=127.0.0.1;host=localhost"),
        ("host", "other.example"),
    ];
    for route in ROUTES.iter().filter(|route| route.access == Access::Role(Role::Owner)) {
        for (name, value) in headers {
            let answer = send(request(&host, route, "acme").bearer_auth(&viewer).header(name, value)).await;
            assert_eq!(answer.status(), 403, "{route:?} with {name}");
            let answer = send(request(&host, route, "acme").header(name, value)).await;
            assert_eq!(answer.status(), 401, "{route:?} with {name} and no token");
        }
    }
    host.stop().await;
}

/// Sends a path as it is written, which a client would tidy up, and returns the status.
async fn raw(host: &Host, method: &str, path: &str, header: &[u8]) -> u16 {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n").into_bytes();
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(b"\r\n");
    status_of(host, &bytes).await
}

/// Sends these bytes, and returns the status of the answer.
async fn status_of(host: &Host, bytes: &[u8]) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = host.url.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("a connection");
    socket.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    let head = String::from_utf8_lossy(&answer);
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head:?}"))
}

#[tokio::test]
async fn spelling_of_a_path_opens_no_other_workspace() {
    let host = Host::start().await;
    let other = NewWorkspace::new("other");
    host.store.create_workspace(other, &Actor::new("tests")).await.expect("a workspace");
    let token = format!("authorization: Bearer {}\r\n", host.token("acme", Role::Owner).await);
    let paths = [
        "/api/v1/workspaces/other",
        "/api/v1/workspaces/acme/../other",
        "/api/v1/workspaces/acme%2f..%2fother",
        "/api/v1/workspaces/acme/%2e%2e/other",
        "/api/v1/workspaces/acme/..%2fother/tokens",
        "/api/v1/workspaces//other",
        "//api/v1/workspaces/other",
        "/api/v1//workspaces/other/tokens",
        "/api/v1/workspaces/other/",
        "/api/v1/workspaces/OTHER",
        "/API/v1/workspaces/other",
        "/api/v1/workspaces/other%00",
        "/api/v1/workspaces/other;a=acme",
        "/api/v1/workspaces/%ff/tokens",
        "/healthz/../api/v1/workspaces/other",
    ];
    for path in paths {
        for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            let status = raw(&host, method, path, token.as_bytes()).await;
            assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
        }
    }
    assert_eq!(raw(&host, "HEAD", "/api/v1/workspaces/acme", token.as_bytes()).await, 200);
    assert_eq!(raw(&host, "HEAD", "/api/v1/workspaces/acme", b"").await, 401);
    assert!(host.store.workspace("other").await.is_ok());
    host.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_token_get_constant_words() {
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(1_000_000)).await;
    let own = host.token("acme", Role::Owner).await;
    let mut credentials: Vec<Vec<u8>> = [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer wst_",
        "Bearer wst__",
        "Bearer ' OR 1=1 --",
        "Bearer wst_0123456789abcdef01234567_' OR '1'='1",
        "Bearer null",
        "bearer\twst_1_2",
        "Bearer {}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    credentials.push(format!("Bearer {STRANGE}").into_bytes());
    credentials.push(format!("Bearer {}", &own[..own.len() - 1]).into_bytes());
    credentials.push(format!("Bearer {own}x").into_bytes());
    credentials.push(format!("Bearer {}", own.to_uppercase()).into_bytes());
    credentials.push([b"Bearer ".as_slice(), &[b'a'; 6000]].concat());
    // A generator without state of the machine: a failure comes again.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for len in 0..200 {
        let mut bytes = b"Bearer wst_".to_vec();
        for _ in 0..len % 90 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let byte = seed.to_be_bytes()[0];
            // A header's value may have this byte or not.
            bytes.push(if byte < 0x20 || byte == 0x7f { b'_' } else { byte });
        }
        credentials.push(bytes);
    }
    let url = format!("{}/api/v1/workspaces/acme", host.url);
    let expected = send(host.http.get(&url)).await.text().await.expect("a body");
    for credential in credentials {
        let value = http::HeaderValue::from_bytes(&credential).expect("a value");
        let answer = send(host.http.get(&url).header("authorization", value)).await;
        assert_eq!(answer.status(), 401, "{}", credential.escape_ascii());
        assert_eq!(answer.text().await.expect("a body"), expected, "{}", credential.escape_ascii());
    }
    host.stop().await;
}

#[tokio::test]
async fn wrong_tokens_are_limited_and_right_ones_are_not() {
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(9)).await;
    let token = host.token("acme", Role::Viewer).await;
    let url = format!("{}/api/v1/workspaces/acme", host.url);
    let wrong = format!("{}x", &token[..token.len() - 1]);
    for _ in 0..3 {
        assert_eq!(send(host.http.get(&url).bearer_auth(&wrong)).await.status(), 401);
    }
    let mut answers = Vec::new();
    for credential in [wrong.as_str(), STRANGE, "no token at all"] {
        let answer = send(host.http.get(&url).bearer_auth(credential)).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["connection"]),
            (429, &"close".parse().expect("a value"))
        );
        assert!(answer.headers().contains_key("retry-after"));
        answers.push(answer.text().await.expect("a body"));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let door = send(host.http.get(format!("{}/w/acme/v1/models", host.url)).bearer_auth(STRANGE)).await;
    assert_eq!((door.status().as_u16(), code(door).await.as_str()), (429, "rate_limit"));
    assert_eq!(send(host.http.get(&url).bearer_auth(&token)).await.status(), 200, "a right one is taken");
    assert_eq!(send(host.http.get(&url)).await.status(), 401, "none at all is no wrong one");
    host.stop().await;
}

#[tokio::test]
async fn credential_of_another_kind_of_route_is_no_wrong_token() {
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(3)).await;
    let token = host.token("acme", Role::Owner).await;
    for _ in 0..5 {
        for (path, credential) in
            [("api/v1/workspaces", token.as_str()), ("api/v1/workspaces/acme", OPERATOR_KEY)]
        {
            let answer = send(host.http.get(format!("{}/{path}", host.url)).bearer_auth(credential)).await;
            assert_eq!(answer.status(), 401, "{path}");
        }
    }
    let url = format!("{}/metrics", host.url);
    assert_eq!(send(host.http.get(&url).bearer_auth(STRANGE)).await.status(), 401, "the first wrong one");
    assert_eq!(send(host.http.get(&url).bearer_auth(STRANGE)).await.status(), 429, "the second one");
    let answer = send(host.http.get(&url)).await.text().await.expect("a body");
    assert!(answer.contains("the operator's key is needed") && !answer.contains("wst_"), "{answer}");
    host.stop().await;
}

#[tokio::test]
async fn head_that_two_programs_read_differently_is_refused() {
    let host = Host::start().await;
    let token = format!("authorization: Bearer {}\r\n", host.token("acme", Role::Owner).await);
    let cases = [
        ("GET /api/v1/token HTTP/1.1\r\n".to_owned(), 400),
        ("GET /api/v1/token HTTP/1.1\r\nhost: a\r\nhost: a\r\n".to_owned(), 400),
        (format!("GET /api/v1/token HTTP/1.1\r\nhost: a\r\n{token}"), 400),
        ("GET /w/acme/v1/models HTTP/1.1\r\nhost: a\r\nx-api-key: a\r\nx-api-key: b\r\n".to_owned(), 400),
        (format!("POST /api/v1/import HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n", 40_000_000), 413),
        (format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n", "a".repeat(100_000)), 431),
        ("GET /api/v1/token HTTP/1.0\r\n".to_owned(), 200),
    ];
    for (head, status) in cases {
        let head = format!("{head}{token}connection: close\r\n\r\n");
        assert_eq!(status_of(&host, head.as_bytes()).await, status, "{head:.100}");
    }
    host.stop().await;
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let host = Host::start().await;
    for path in ["/healthz", "/api/v1/token", "/none", "/api/v1/openapi.json"] {
        let request = host.http.get(format!("{}{path}", host.url)).header("origin", "https://evil.example");
        let answer = send(request).await;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(header("content-security-policy").is_some_and(|policy| policy.contains("'none'")), "{path}");
        assert_eq!(header("access-control-allow-origin"), None, "{path}");
    }
    host.stop().await;
}

#[tokio::test]
async fn unknown_host_is_refused_where_names_are_listed() {
    let host = Host::start_with(|settings| settings.hosts(["models.example", "127.0.0.1"])).await;
    let token = host.token("acme", Role::Viewer).await;
    let url = format!("{}/api/v1/token", host.url);
    let get = async |name: Option<&str>| {
        let request = host.http.get(&url).bearer_auth(&token);
        let request = name.into_iter().fold(request, |request, name| request.header("host", name));
        send(request).await.status().as_u16()
    };
    assert_eq!(get(None).await, 200);
    assert_eq!(get(Some("Models.Example:8080")).await, 200);
    assert_eq!(get(Some("evil.example")).await, 421);
    assert_eq!(get(Some("models.example.evil")).await, 421);
    let probe = host.http.get(format!("{}/healthz", host.url)).header("host", "10.0.0.1");
    assert_eq!(send(probe).await.status(), 200);
    host.stop().await;
}
