//! First calls over TLS of the providers of this house: of one that has done nothing yet, of one that has
//! made its connection ahead, and on a second connection, which takes up the TLS session of the first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_core::{ChatRequest, ChatStream, Event, LlmProvider};

use crate::client::Failure;
use crate::measure::Figures;
use crate::ours;
use crate::work::{Kind, Stream};

/// How many fresh providers a median is of.
const ROUNDS: usize = 50;

/// The medians in microseconds; none for clients of other houses.
pub async fn measure(name: &str, port: u16) -> Result<Figures, Failure> {
    let make: fn(&str) -> Result<Arc<dyn LlmProvider>, Failure> = match name {
        "bare" => ours::bare,
        "standard" => ours::layered,
        _ => return Ok(Vec::new()),
    };
    let server = format!("https://localhost:{port}");
    // Its body does not end while it is looked at: the connection stays taken, and another stream needs one
    // of its own.
    let base = format!("{server}{}/api/v1", Stream::new(Kind::Text, 20, 1).tail(2_000_000).path());
    let (mut made, mut cold, mut resumed, mut ahead, mut warm) = (vec![], vec![], vec![], vec![], vec![]);
    let before = resumptions(&server).await?;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let provider = make(&base)?;
        made.push(begun.elapsed());
        let open = first_piece(&*provider, &mut cold).await?;
        drop(first_piece(&*provider, &mut resumed).await?);
        drop(open);

        let provider = make(&base)?;
        let begun = Instant::now();
        provider.warm_up().await?;
        ahead.push(begun.elapsed());
        drop(first_piece(&*provider, &mut warm).await?);
    }
    let resumptions = resumptions(&server).await? - before;
    if resumptions != ROUNDS {
        return Err(format!("{resumptions} connections took up a session, not {ROUNDS}").into());
    }
    Ok(vec![
        ("µs to make".into(), median(made)),
        ("µs to first, cold".into(), median(cold)),
        ("µs to first, session resumed".into(), median(resumed)),
        ("µs to warm up".into(), median(ahead)),
        ("µs to first, warmed up".into(), median(warm)),
    ])
}

/// Asks for a stream and reads its first piece; the stream is still open.
async fn first_piece(provider: &dyn LlmProvider, times: &mut Vec<Duration>) -> Result<ChatStream, Failure> {
    let request = ChatRequest::new("openai/gpt-4o").user("Hello");
    let begun = Instant::now();
    let mut stream = provider.stream(&request).await?;
    while let Some(event) = stream.next().await {
        if let Event::Text(_) = event? {
            times.push(begun.elapsed());
            return Ok(stream);
        }
    }
    Err("a stream without a piece".into())
}

/// How many connections took up a TLS session at the server so far.
async fn resumptions(server: &str) -> Result<usize, Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("{server}/resumptions")).send().await?.bytes().await?;
    Ok(std::str::from_utf8(&answer)?.parse()?)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_nanos() as f64 / 1e3)
}
