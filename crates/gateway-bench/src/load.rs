//! Whole answers at a fixed rate. The load is open: a request is sent when its time has come, however many
//! are under way, and its time counts from then on, so that a gateway that falls behind cannot hide it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::process::cpu_time;
use crate::report::{micros, percentile, row};
use crate::target::{Target, client};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets: name=URL[,key=KEY][,model=MODEL][,header=NAME:VALUE]…[,pid=PID]. The first is the
    /// upstream itself, the second the floor
    #[arg(long = "target", required = true, num_args = 1..)]
    targets: Vec<Target>,
    /// Requests per second
    #[arg(long, value_delimiter = ',', default_value = "100,500,1000")]
    rates: Vec<u32>,
    /// Seconds that each target has in a round
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// The figures of a target in a round.
struct Round {
    p50: Duration,
    p99: Duration,
    cpu_per_request: Option<Duration>,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    ensure!(args.targets.len() >= 2, "give the upstream and at least one gateway");
    for rate in &args.rates {
        let mut rounds: Vec<Vec<Vec<f64>>> = vec![Vec::new(); args.targets.len()];
        for _ in 0..args.rounds {
            let mut direct = None;
            for (target, rounds) in args.targets.iter().zip(&mut rounds) {
                let round = one_round(target, *rate, args.seconds).await?;
                let &mut Round { p50, p99, .. } = direct.get_or_insert(Round { ..round });
                rounds.push(vec![
                    micros(round.p50.saturating_sub(p50)),
                    micros(round.p99.saturating_sub(p99)),
                    round.cpu_per_request.map_or(f64::NAN, micros),
                    micros(round.p50),
                    micros(round.p99),
                ]);
            }
        }
        println!("\n{rate} requests per second:\n");
        println!("| gateway | added p50 µs | added p99 µs | CPU µs/request | p50 µs | p99 µs |");
        println!("|---|---:|---:|---:|---:|---:|");
        for (target, values) in args.targets.iter().zip(&rounds).skip(1) {
            println!("{}", row(&target.name, values, rounds.get(1).map(Vec::as_slice)));
        }
    }
    Ok(())
}

async fn one_round(target: &Target, rate: u32, seconds: u32) -> Result<Round> {
    let http = client();
    // Warm connections, which a platform has.
    for _ in 0..50 {
        target.ask(&http).await?;
    }
    let cpu_before = target.pid.map(cpu_time).transpose()?;
    let (count, gap) = (rate * seconds, Duration::from_secs(1) / rate);
    let mut due_times = clock(Instant::now() + Duration::from_millis(20), gap, count);
    let mut running = JoinSet::new();
    let mut times = Vec::with_capacity(count as usize);
    while let Some(due) = due_times.recv().await {
        let (target, http) = (target.clone(), http.clone());
        running.spawn(async move { target.ask(&http).await.map(|()| due.elapsed()) });
        while let Some(done) = running.try_join_next() {
            times.push(done??);
        }
    }
    while let Some(done) = running.join_next().await {
        times.push(done??);
    }
    ensure!(times.len() == count as usize, "requests were lost");
    let cpu = match (target.pid, cpu_before) {
        (Some(pid), Some(before)) => Some((cpu_time(pid)? - before) / count),
        _ => None,
    };
    times.sort();
    Ok(Round { p50: percentile(&times, 0.5), p99: percentile(&times, 0.99), cpu_per_request: cpu })
}

/// Tells when each request is due. A thread of its own waits with the kernel's timers, since the runtime's
/// know whole milliseconds alone.
fn clock(start: Instant, gap: Duration, count: u32) -> UnboundedReceiver<Instant> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        for number in 0..count {
            let due = start + gap * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send(due).is_err() {
                return;
            }
        }
    });
    receiver
}
