//! One measurement of one client, in a process of its own.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::join_all;

use crate::catalogue;
use crate::client::{Client, Failure, client};
use crate::cold;
use crate::watch::{Watch, resident};
use crate::work::{Kind, Stream, Sums, WHOLE_TEXT};

/// A measurement.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Processor time per piece of one stream, in nanoseconds.
    Stream(Stream),
    /// The same, read in a task of its own and not in `block_on`, which turns the runtime's driver for each
    /// piece.
    Spawned(Stream),
    /// Processor time per short stream in microseconds, one after the other on a warm connection.
    Short,
    /// The time to the first piece of a short stream on a warm connection, in microseconds.
    FirstPiece,
    /// Processor time per whole answer, in microseconds, with so many under way at once.
    Whole { at_once: usize },
    /// How many connections 200 streams in a row take, whose bodies end 3 ms after their last event.
    Connections,
    /// Processor time per piece in nanoseconds, and memory per stream in KiB, with so many streams at once.
    Many { at_once: usize },
    /// Processor time per catalogue, in microseconds.
    Models,
    /// By how many KiB the process grows while the caller pauses for a second, in a stream of which 67 MB are
    /// still to come.
    Paused,
    /// How long first calls over TLS take, in microseconds, where certificates are in a file, or in a file
    /// and a directory.
    Cold { directory: bool },
}

/// The results of a measurement, by name.
pub type Figures = Vec<(Cow<'static, str>, f64)>;

/// After how many pieces a caller pauses: buffers that grow to the size they need have done so by then.
const PAUSED_AFTER: usize = 2_000;

/// Counts since the program began: allocations, and the bytes that they asked for.
pub type Counter = fn() -> (usize, usize);

impl Task {
    pub fn parse(words: &[String]) -> Option<Self> {
        let number = |at: usize| words.get(at)?.parse().ok();
        Some(match words.first()?.as_str() {
            "spawned" => Self::Spawned(Stream::parse(words.get(1)?)?),
            "short" => Self::Short,
            "first-piece" => Self::FirstPiece,
            "whole" => Self::Whole { at_once: number(1)? },
            "connections" => Self::Connections,
            "many" => Self::Many { at_once: number(1)? },
            "models" => Self::Models,
            "paused" => Self::Paused,
            "cold" => Self::Cold { directory: words.get(1).is_some() },
            path => Self::Stream(Stream::parse(path)?),
        })
    }

    /// The words that [`parse`](Self::parse) reads.
    pub fn words(self) -> Vec<String> {
        match self {
            Self::Stream(stream) => vec![stream.path()],
            Self::Spawned(stream) => vec!["spawned".into(), stream.path()],
            Self::Short => vec!["short".into()],
            Self::FirstPiece => vec!["first-piece".into()],
            Self::Whole { at_once } => vec!["whole".into(), at_once.to_string()],
            Self::Connections => vec!["connections".into()],
            Self::Many { at_once } => vec!["many".into(), at_once.to_string()],
            Self::Models => vec!["models".into()],
            Self::Paused => vec!["paused".into()],
            Self::Cold { directory: false } => vec!["cold".into()],
            Self::Cold { directory: true } => vec!["cold".into(), "directory".into()],
        }
    }

    /// Measures the client of this name against the server at this port.
    pub async fn run(self, name: &str, port: u16, counter: Option<Counter>) -> Result<Figures, Failure> {
        let at = |path: &str| client(name, &format!("http://127.0.0.1:{port}{path}/api/v1"));
        let of = |stream: Stream| at(&stream.path());
        match self {
            Self::Stream(played) | Self::Spawned(played) => {
                let client: Arc<dyn Client> = Arc::from(of(played)?);
                let warm = of(Stream { chunks: played.chunks.min(64), ..played })?;
                let due = Stream { chunks: played.chunks.min(64), ..played }.sums();
                stream(&*warm, due).await?;
                let due = played.sums();
                stream(&*client, due).await?;
                let count = counter.map(|counter| (counter, counter()));
                let begun = ProcessTime::now();
                match self {
                    Self::Spawned(_) => tokio::spawn(async move { stream(&*client, due).await }).await??,
                    _ => stream(&*client, due).await?,
                }
                let spent = begun.elapsed();
                let pieces = played.chunks as f64;
                Ok(match count {
                    Some((counter, before)) => per("piece", before, counter(), pieces),
                    None => vec![("ns/piece".into(), spent.as_nanos() as f64 / pieces)],
                })
            }
            Self::Short => {
                let short = Stream::new(Kind::Text, 20, 1);
                let (client, due) = (of(short)?, short.sums());
                for _ in 0..100 {
                    stream(&*client, due).await?;
                }
                let count = counter.map(|counter| (counter, counter()));
                let begun = ProcessTime::now();
                for _ in 0..1_000 {
                    stream(&*client, due).await?;
                }
                let spent = begun.elapsed().as_nanos() as f64 / 1e3;
                Ok(match count {
                    Some((counter, before)) => per("stream", before, counter(), 1_000.0),
                    None => vec![("µs/stream".into(), spent / 1_000.0)],
                })
            }
            Self::FirstPiece => {
                let short = Stream::new(Kind::Text, 20, 1);
                let (client, due) = (of(short)?, short.sums());
                let mut times = Vec::new();
                for round in 0..1_100 {
                    let (begun, mut first) = (Instant::now(), None);
                    let mut call = || first = Some(begun.elapsed());
                    if client.stream(&mut Watch::first(&mut call)).await? != due {
                        return Err("a stream is not what was played".into());
                    }
                    // Both sides come to rest, or it would count who is quick enough to meet the server still
                    // awake.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    if round >= 100 {
                        times.extend(first.map(|time: Duration| time.as_nanos() as f64 / 1e3));
                    }
                }
                times.sort_by(f64::total_cmp);
                Ok(vec![("µs to first".into(), times[times.len() / 2])])
            }
            Self::Whole { at_once } => {
                let client = at("/whole")?;
                let wave = || async {
                    for text in join_all((0..at_once).map(|_| client.whole())).await {
                        if text? != WHOLE_TEXT {
                            return Err(Failure::from("the answer is not the one that was given"));
                        }
                    }
                    Ok(())
                };
                for _ in 0..5 {
                    wave().await?;
                }
                let count = counter.map(|counter| (counter, counter()));
                let begun = ProcessTime::now();
                for _ in 0..40 {
                    wave().await?;
                }
                let spent = begun.elapsed().as_nanos() as f64 / 1e3;
                let asked = (40 * at_once) as f64;
                Ok(match count {
                    Some((counter, before)) => per("answer", before, counter(), asked),
                    None => vec![("µs/answer".into(), spent / asked)],
                })
            }
            Self::Connections => {
                let played = Stream::new(Kind::Text, 3, 1).tail(3_000);
                let client = of(played)?;
                let before = connections(port).await?;
                for _ in 0..200 {
                    stream(&*client, played.sums()).await?;
                }
                // The question itself takes one, too.
                Ok(vec![("connections".into(), connections(port).await? - before - 1.0)])
            }
            Self::Many { at_once } => {
                let (chunks, gap) = (40, at_once as u64 * 20);
                let played = Stream::new(Kind::Text, chunks, 1).gap(gap);
                let client: Arc<dyn Client> = Arc::from(of(played)?);
                let due = played.sums();
                stream(&*client, due).await?;
                let memory = resident()?;
                let (open, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
                let begun = ProcessTime::now();
                let streams = (0..at_once).map(|_| {
                    let (client, open, peak) = (client.clone(), open.clone(), peak.clone());
                    tokio::spawn(async move {
                        let mut first = || {
                            if open.fetch_add(1, Relaxed) + 1 == at_once {
                                peak.store(resident().unwrap_or(0), Relaxed);
                            }
                        };
                        if client.stream(&mut Watch::first(&mut first)).await? == due {
                            Ok(())
                        } else {
                            Err(Failure::from("a stream is not what was played"))
                        }
                    })
                });
                for done in join_all(streams).await {
                    done??;
                }
                let spent = begun.elapsed().as_nanos() as f64;
                let memory = peak.load(Relaxed).saturating_sub(memory) as f64;
                Ok(vec![
                    ("ns/piece".into(), spent / (at_once * chunks) as f64),
                    ("KiB/stream".into(), memory / at_once as f64 / 1024.0),
                ])
            }
            Self::Models => {
                let client = at("/any")?;
                let read = || async {
                    if client.models().await? == catalogue::MODELS {
                        Ok(())
                    } else {
                        Err(Failure::from("models are missing"))
                    }
                };
                for _ in 0..3 {
                    read().await?;
                }
                let count = counter.map(|counter| (counter, counter()));
                let begun = ProcessTime::now();
                for _ in 0..20 {
                    read().await?;
                }
                let spent = begun.elapsed().as_nanos() as f64 / 1e3;
                Ok(match count {
                    Some((counter, before)) => {
                        per("model", before, counter(), 20.0 * catalogue::MODELS as f64)
                    }
                    None => vec![("µs/catalogue".into(), spent / 20.0)],
                })
            }
            Self::Paused => {
                // An event has a little more than 300 bytes.
                let played = Stream::new(Kind::Text, 220_000, 1);
                let short = Stream { chunks: PAUSED_AFTER, ..played };
                stream(&*of(short)?, short.sums()).await?;
                let mut grown = None;
                let mut watch = Watch::pause(PAUSED_AFTER, Duration::from_secs(1), &mut grown);
                of(played)?.stream(&mut watch).await?;
                Ok(vec![("KiB grown".into(), grown.ok_or("did not pause")? as f64 / 1024.0)])
            }
            Self::Cold { .. } => cold::measure(name, port).await,
        }
    }
}

/// The allocations of each of so many things, and their bytes.
fn per(thing: &str, before: (usize, usize), after: (usize, usize), things: f64) -> Figures {
    let each = |before: usize, after: usize| (after - before) as f64 / things;
    vec![
        (format!("allocations/{thing}").into(), each(before.0, after.0)),
        (format!("bytes/{thing}").into(), each(before.1, after.1)),
    ]
}

/// Reads a stream, and makes sure that it was the one that was due.
async fn stream(client: &dyn Client, due: Sums) -> Result<(), Failure> {
    let seen = client.stream(&mut Watch::count()).await?;
    if seen == due { Ok(()) } else { Err(format!("saw {seen:?} of {due:?}").into()) }
}

/// How many connections the server has seen.
async fn connections(port: u16) -> Result<f64, Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("http://127.0.0.1:{port}/connections")).send().await?.bytes().await?;
    Ok(std::str::from_utf8(&answer)?.parse()?)
}
