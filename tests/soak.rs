//! A soak test for people: many streams at once against the sandbox, with faults among them, for as long as
//! you like.
//!
//!     ulimit -n 8192; cargo run --release --package provider-tests --example soak -- 1000 3
//!
//! runs 1,000 streams at a time for 3 minutes. What it counts and prints is explained in docs/soak.md.

#![allow(clippy::print_stdout, reason = "it tells what it found")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use openrouter_provider::{Limits, OpenRouter};
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, ErrorKind, Event, LlmProvider};

/// Good models and bad days, in turn.
const MODELS: [&str; 14] = [
    "openai/gpt-4o",
    "anthropic/claude-sonnet-4.5",
    "openai/gpt-4o",
    "sandbox/rate-limit",
    "openai/gpt-4o",
    "sandbox/mid-stream-error",
    "sandbox/truncated",
    "openai/gpt-4o",
    "sandbox/reset",
    "sandbox/flaky",
    "openai/gpt-4o",
    "sandbox/empty",
    "sandbox/error-200",
    "sandbox/stall",
];

/// How long a stream may be silent: the stalling ones end by it.
const SILENCE: Duration = Duration::from_secs(2);

/// The counts of the run.
#[derive(Default)]
struct Counts {
    asked: AtomicU64,
    answered: AtomicU64,
    dropped: AtomicU64,
    broken_laws: AtomicU64,
    errors: [AtomicU64; KINDS.len()],
    others: AtomicU64,
}

const KINDS: [ErrorKind; 8] = [
    ErrorKind::RateLimited,
    ErrorKind::Upstream,
    ErrorKind::Overloaded,
    ErrorKind::Interrupted,
    ErrorKind::EmptyResponse,
    ErrorKind::Timeout,
    ErrorKind::Connection,
    ErrorKind::Server,
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let streams = numbers.next().transpose()?.unwrap_or(1_000);
    let minutes = numbers.next().transpose()?.unwrap_or(3);
    let sandbox = Sandbox::builder().token_delay(Duration::from_millis(20)).start().await?;
    let limits = Limits::default().read_timeout(SILENCE);
    let client = OpenRouter::builder().api_key("sk-or-v1-soak").base_url(sandbox.base_url()).limits(limits);
    let client: Arc<dyn LlmProvider> = Arc::new(client.build()?);

    println!("{streams} streams at a time, {minutes} minutes");
    println!("before: {}", Process::now());
    let counts = Arc::new(Counts::default());
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let workers: Vec<_> =
        (0..streams).map(|number| tokio::spawn(work(number, end, client.clone(), counts.clone()))).collect();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(10).min(end - Instant::now())).await;
        println!("{} asked, {} open; {}", load(&counts.asked), sandbox.open_streams(), Process::now());
    }
    for worker in workers {
        worker.await?;
    }
    drop(client);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("after:  {}", Process::now());
    tell(&counts, sandbox.open_streams())
}

/// Asks one model after the other, until the time is up.
async fn work(number: u64, end: Instant, client: Arc<dyn LlmProvider>, counts: Arc<Counts>) {
    let mut turn = number;
    while Instant::now() < end {
        let model = MODELS[(turn % MODELS.len() as u64) as usize];
        // Every eleventh reader loses interest.
        let patience = if turn % 11 == 0 { 3 } else { usize::MAX };
        counts.asked.fetch_add(1, Ordering::Relaxed);
        ask(&*client, model, patience, &counts).await;
        turn += 1;
    }
}

/// Reads a stream to its end, or `patience` events of it.
async fn ask(client: &dyn LlmProvider, model: &str, patience: usize, counts: &Counts) {
    let request = ChatRequest::new(model).user("Tell me something.");
    let mut stream = match client.stream(&request).await {
        Ok(stream) => stream,
        Err(error) => return counts.error(error.kind()),
    };
    let (mut text, mut ends, mut events) = (String::new(), 0, 0);
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Text(piece)) => text.push_str(&piece),
            Ok(Event::Finished(_)) => ends += 1,
            Ok(_) => {}
            Err(error) => {
                ends += 1;
                counts.error(error.kind());
            }
        }
        events += 1;
        if events >= patience && ends == 0 {
            counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    let kept = match stream.into_response() {
        Ok(reply) => {
            counts.answered.fetch_add(1, Ordering::Relaxed);
            reply.text() == text
        }
        Err(error) => error.partial().map_or("", |partial| partial.text()) == text,
    };
    if ends != 1 || !kept {
        counts.broken_laws.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn error(&self, kind: ErrorKind) {
        let place = KINDS.iter().position(|known| *known == kind);
        place.map_or(&self.others, |place| &self.errors[place]).fetch_add(1, Ordering::Relaxed);
    }
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Prints what was counted. An error if something was lost, left over or out of order.
fn tell(counts: &Counts, open: usize) -> Result<(), Box<dyn std::error::Error>> {
    let errors: BTreeMap<&str, u64> =
        KINDS.iter().zip(&counts.errors).map(|(kind, count)| (kind.label(), load(count))).collect();
    let failed = errors.values().sum::<u64>() + load(&counts.others);
    let (asked, answered, dropped) = (load(&counts.asked), load(&counts.answered), load(&counts.dropped));
    println!("{asked} asked = {answered} answered + {failed} failed + {dropped} dropped by the reader");
    for (kind, count) in errors.iter().filter(|(_, count)| **count > 0) {
        println!("  {count:>8} {kind}");
    }
    println!("  {:>8} of another kind", load(&counts.others));
    let lost = asked.abs_diff(answered + failed + dropped);
    println!("{lost} lost, {open} streams left open, {} broken laws", load(&counts.broken_laws));
    if lost + open as u64 + load(&counts.broken_laws) > 0 {
        return Err("something was lost, left open or out of order".into());
    }
    Ok(())
}

/// The resources that the process holds, as Linux tells them.
struct Process {
    descriptors: Option<usize>,
    resident_kib: Option<u64>,
}

impl Process {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Self {
            descriptors: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            resident_kib: line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()),
        }
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        let descriptors = known(self.descriptors.map(|count| count as u64));
        write!(f, "{descriptors} descriptors, {} MiB", known(self.resident_kib.map(|kib| kib / 1_024)))
    }
}
