//! Compares clients on the same server with the same work. See `docs/performance.md`.

mod catalogue;
mod client;
mod cold;
mod contest;
mod floor;
mod measure;
mod ours;
mod peers;
mod server;
mod tls;
mod watch;
mod work;

use client::Failure;
use measure::{Counter, Task};

/// Runs a command of the line: `serve CERTIFICATES`, `one CLIENT PORT TASK…`, or a contest.
pub fn run(counter: Option<Counter>) -> Result<(), Failure> {
    // With `rustls-ring` in the build, reqwest makes no client without one. Nothing else may have installed
    // one yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("serve") => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(server::serve(words.get(1).ok_or("serve CERTIFICATES")?))
        }
        Some("one") => {
            let [_, name, port, task @ ..] = words.as_slice() else {
                return Err("one CLIENT PORT TASK…".into());
            };
            let task = Task::parse(task).ok_or("there is no such task")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            match runtime.block_on(task.run(name, port.parse()?, counter)) {
                Ok(figures) => figures.iter().for_each(|(figure, value)| println!("{figure}\t{value}")),
                Err(why) => println!("{}{why}", contest::FAILED),
            }
            Ok(())
        }
        _ => contest::run(&words),
    }
}
