//! Cases after what people reported in public of this and of compatible services, played over a real socket
//! and read through the public API.
//!
//! `OPENROUTER_REPORTS` names a folder of them: `cases/*.json`, each with the server's answers, ways to ask,
//! and what must be read. A case with an environment is played in a process of its own, so that no other test
//! sees its variables.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod case;
mod expect;
mod play;
mod server;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::case::{Case, Way, fill};
use crate::play::{Place, play};
use crate::server::{Authority, Server};

/// Tells a process of its own what to play: the case, the way and the place of the server, as JSON.
const ONE_CASE: &str = "PROVIDER_TESTS_ONE_CASE";
/// Stands before the reading in what such a process prints.
const MARK: &str = "reading of one case: ";
/// Variables of this machine that would change what a case shows.
const FOREIGN: [&str; 7] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"];

#[tokio::test(flavor = "multi_thread")]
async fn reported_cases_are_read_as_they_should_be() {
    let Some(folder) = std::env::var_os("OPENROUTER_REPORTS").filter(|folder| !folder.is_empty()) else {
        say("skipped: OPENROUTER_REPORTS names no folder of cases");
        return;
    };
    let cases = case::load(&PathBuf::from(folder)).expect("readable cases");
    assert!(!cases.is_empty(), "there are no cases in the folder");
    let authority = Authority::new().expect("a certificate");
    let mut wrong = Vec::new();
    let mut plays = 0;
    for case in &cases {
        for way in &case.ways {
            plays += 1;
            let reading = read(case, *way, &authority).await;
            let expected = expected(case, *way);
            let found = expect::disagreements(&reading, &expected);
            wrong
                .extend(found.iter().map(|what| format!("{} [{way:?}] {what}\n    {}", case.id, case.right)));
        }
    }
    say(&format!("{} cases, {plays} plays, {} disagreements", cases.len(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plays what another process of this test wants played, with the environment that it gave; alone, it has
/// nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn one_case_is_played_in_a_process_of_its_own() {
    let Some(order) = std::env::var_os(ONE_CASE) else { return };
    let order: Order = serde_json::from_str(&order.to_string_lossy()).expect("an order");
    let case: Case = serde_json::from_slice(&std::fs::read(&order.file).expect("a case")).expect("a case");
    let place = Place { url: order.url, address: order.address, port: order.port };
    println!("\n{MARK}{}", play(&case, order.way, &place).await);
}

#[derive(serde::Deserialize)]
struct Order {
    file: PathBuf,
    way: Way,
    url: String,
    address: String,
    port: String,
}

async fn read(case: &Case, way: Way, authority: &Authority) -> Value {
    let server = Server::start(case, authority).await.expect("a free port");
    let mut reading = match &case.env {
        Some(env) => play_apart(case, way, &server.place, env, authority).await,
        None => play(case, way, &server.place).await,
    };
    reading["requests"] = server.requests();
    reading
}

/// Plays a case in a process of its own, with its environment and without what this one has of proxies,
/// certificates and OpenRouter.
async fn play_apart(
    case: &Case,
    way: Way,
    place: &Place,
    env: &BTreeMap<String, String>,
    authority: &Authority,
) -> Value {
    let order = json!({
        "file": case.file, "way": way, "url": place.url, "address": place.address, "port": place.port,
    });
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "one_case_is_played_in_a_process_of_its_own", "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if FOREIGN.contains(&upper.as_str()) || upper.starts_with("OPENROUTER_") {
            child.env_remove(&name);
        }
    }
    let placeholders = [
        ("{url}", place.url.clone()),
        ("{address}", place.address.clone()),
        ("{port}", place.port.clone()),
        ("{ca}", authority.file.to_string_lossy().into_owned()),
    ];
    child.envs(env.iter().map(|(name, value)| (name, fill(value, &placeholders))));
    child.env(ONE_CASE, order.to_string()).stdin(Stdio::null());
    let output =
        tokio::task::spawn_blocking(move || child.output()).await.expect("a task").expect("a process");
    let printed = String::from_utf8_lossy(&output.stdout);
    let reading = printed.lines().find_map(|line| line.split_once(MARK)).map(|(_, reading)| reading);
    let reading = reading.unwrap_or_else(|| panic!("{}: no reading in {printed}", case.id));
    serde_json::from_str(reading).expect("a reading")
}

fn expected(case: &Case, way: Way) -> Map<String, Value> {
    let mut expected = case.expect.clone();
    expected.extend(case.expect_of.get(&way).cloned().unwrap_or_default());
    expected
}

/// Says something past the test runner, which keeps what a passing test prints to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "reports: {line}");
}
