//! A program of its own that asks once, for cases in which the environment decides.

use std::process::{Command, Stdio};

use provider_http::HttpClient;

use super::{builder, whole};

/// The end of one chat, asked for by a process of its own with this environment: the text or the error's
/// line, and the error's `Debug`.
pub(crate) async fn asked(base_url: &str, env: &[(&str, &str)]) -> (String, String) {
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
    let (shown, debug) = line.split_once(" PROBE ").expect("two parts");
    (shown.to_owned(), debug.to_owned())
}

/// The body of the test `probe` in each program that [`asked`] is used in.
#[allow(clippy::print_stdout, reason = "the other process reads it")]
pub(crate) async fn probe() {
    let base_url = std::env::var("PROBE_BASE_URL").expect("an address");
    let endpoint = builder(&base_url).allow_http(true).build(&HttpClient::new()).expect("good settings");
    match whole(&endpoint).await {
        Ok(reply) => println!("PROBE {} PROBE ", reply.text()),
        Err(error) => {
            let next_step = error.next_step().unwrap_or_default();
            let retry = if error.is_retryable() { "may pass" } else { "final" };
            println!("PROBE {}, {retry}: {error}; {next_step} PROBE {error:?}", error.kind().label());
        }
    }
}

/// Fails unless the error's line has all of these words.
#[track_caller]
pub(crate) fn told(end: &(String, String), words: &[&str]) {
    for words in words {
        assert!(end.0.contains(words), "nothing of {words:?} in {end:?}");
    }
}
