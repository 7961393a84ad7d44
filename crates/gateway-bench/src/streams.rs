//! Many paced streams at once: processor time and delay of a chunk, memory of a stream, and whether chunks
//! are held back.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;

use crate::process::{cpu_time, resident_kib};
use crate::report::{micros, percentile, row};
use crate::target::{Target, client};
use crate::upstream::{MARK, now_nanos};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets: name=URL[,key=KEY][,model=MODEL][,header=NAME:VALUE]…[,pid=PID]. The first is the
    /// upstream itself, the second the floor
    #[arg(long = "target", required = true, num_args = 1..)]
    targets: Vec<Target>,
    /// How many streams are open at once
    #[arg(long, default_value_t = 1000)]
    streams: u32,
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// The chunks that one stream saw.
#[derive(Default)]
struct Seen {
    delays: Vec<Duration>,
    /// Reads that brought more than one chunk.
    joined: u64,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    ensure!(args.targets.len() >= 2, "give the upstream and at least one gateway");
    let mut rounds: Vec<Vec<Vec<f64>>> = vec![Vec::new(); args.targets.len()];
    for _ in 0..args.rounds {
        for (target, rounds) in args.targets.iter().zip(&mut rounds) {
            rounds.push(one_round(target, args.streams).await?);
        }
    }
    println!("\n{} streams at once:\n", args.streams);
    println!(
        "| gateway | CPU µs/chunk | delay p50 µs | delay p99 µs | first chunk p99 µs | KiB/stream | joined chunks % |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (target, values) in args.targets.iter().zip(&rounds) {
        println!("{}", row(&target.name, values, rounds.get(1).map(Vec::as_slice)));
    }
    Ok(())
}

async fn one_round(target: &Target, count: u32) -> Result<Vec<f64>> {
    let http = client();
    target.ask(&http).await?;
    let before =
        target.pid.map(|pid| Ok::<_, anyhow::Error>((cpu_time(pid)?, resident_kib(pid)?))).transpose()?;
    let mut running = JoinSet::new();
    for _ in 0..count {
        let (target, http) = (target.clone(), http.clone());
        running.spawn(async move { read(&target, &http).await });
    }
    // While all are open, before the first ends.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let resident = target.pid.map(resident_kib).transpose()?;
    let (mut delays, mut firsts, mut joined) = (Vec::new(), Vec::new(), 0);
    while let Some(done) = running.join_next().await {
        let seen = done??;
        firsts.extend(seen.delays.first().copied());
        delays.extend(seen.delays);
        joined += seen.joined;
    }
    let chunks = delays.len() as f64;
    let (cpu, memory) = match (target.pid, before, resident) {
        (Some(pid), Some((cpu, kib)), Some(now)) => {
            (micros(cpu_time(pid)? - cpu) / chunks, now.saturating_sub(kib) as f64 / f64::from(count))
        }
        _ => (f64::NAN, f64::NAN),
    };
    delays.sort();
    firsts.sort();
    Ok(vec![
        cpu,
        micros(percentile(&delays, 0.5)),
        micros(percentile(&delays, 0.99)),
        micros(percentile(&firsts, 0.99)),
        memory,
        joined as f64 * 100.0 / chunks,
    ])
}

/// Reads a stream to its end.
async fn read(target: &Target, http: &crate::target::Http) -> Result<Seen> {
    let mut body = target.open(http).await?;
    let (mut seen, mut rest, mut is_done) = (Seen::default(), Vec::new(), false);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let now = now_nanos();
        rest.extend_from_slice(&data);
        let mut in_read = 0;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest.drain(..=end);
            is_done |= line == "data: [DONE]";
            if let Some((_, text)) = line.split_once(MARK) {
                let digits = text.split(|c: char| !c.is_ascii_digit()).next().context("a moment")?;
                let sent: u128 = digits.parse()?;
                let delay = u64::try_from(now.saturating_sub(sent)).unwrap_or(u64::MAX);
                seen.delays.push(Duration::from_nanos(delay));
                in_read += 1;
            }
        }
        seen.joined += u64::from(in_read > 1);
    }
    ensure!(is_done, "{}: a stream ended without [DONE]", target.name);
    Ok(seen)
}
