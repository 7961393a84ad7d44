//! The stand-in for a service: a whole answer at once, or a stream of chunks at a pace, each with the moment
//! at which it was written.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port on loopback
    #[arg(long, default_value_t = 9400)]
    port: u16,
    /// How many chunks of text a stream has
    #[arg(long, default_value_t = 200)]
    chunks: u32,
    /// Milliseconds between two chunks
    #[arg(long, default_value_t = 50)]
    pace: u64,
}

/// The text before the moment in a chunk.
pub(crate) const MARK: &str = "t=";

pub(crate) async fn run(args: Args) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await?;
    println!("upstream at http://{}/v1", listener.local_addr()?);
    let (chunks, pace) = (args.chunks, Duration::from_millis(args.pace));
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let service = service_fn(move |request| answer(request, chunks, pace));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
        );
    }
}

async fn answer(
    request: Request<Incoming>,
    chunks: u32,
    pace: Duration,
) -> Result<Response<Either<Full<Bytes>, Paced>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (kind, body) = if path.ends_with("/chat/completions") {
        let asks = |key: &str| find(&body, key.as_bytes());
        if asks("\"stream\":true") || asks("\"stream\": true") {
            ("text/event-stream", Either::Right(Paced::new(chunks, pace)))
        } else {
            ("application/json", Either::Left(Full::new(Bytes::from_static(WHOLE.as_bytes()))))
        }
    } else {
        ("application/json", Either::Left(Full::new(Bytes::from_static(OTHER.as_bytes()))))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

fn find(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

/// A whole answer of 60 words with usage and cost.
const WHOLE: &str = r#"{"id":"gen-1","object":"chat.completion","created":1700000000,"model":"bench/model","provider":"Bench","choices":[{"index":0,"message":{"role":"assistant","content":"Sixty words stand here so that the answer has a size that answers have in practice, neither a single letter nor a book, and so that a gateway which reads and writes it again has something to do, while one that passes it on has next to nothing to do, which is what this measures, again and again."},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":70,"total_tokens":90,"cost":0.000123}}"#;

/// The answer to everything else: a list of the one model.
const OTHER: &str = r#"{"object":"list","data":[{"id":"bench/model","object":"model","created":1700000000,"owned_by":"bench","context_length":8192,"pricing":{"prompt":"0.000001","completion":"0.000002"}}]}"#;

/// A stream of chunks at a pace.
pub(crate) struct Paced {
    left: u32,
    interval: Interval,
    is_over: bool,
}

impl Paced {
    fn new(chunks: u32, pace: Duration) -> Self {
        // The first chunk comes after a pace, so that all streams of a burst are open by then.
        let mut interval = interval_at(tokio::time::Instant::now() + pace, pace);
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self { left: chunks, interval, is_over: false }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.left > 0 {
            std::task::ready!(self.interval.poll_tick(cx));
            self.left -= 1;
            let chunk = format!(
                "data: {{\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench/model\",\
                 \"provider\":\"Bench\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\
                 \"content\":\"{MARK}{} \"}},\"finish_reason\":null}}]}}\n\n",
                now_nanos()
            );
            return Poll::Ready(Some(Ok(Frame::data(chunk.into()))));
        }
        self.is_over = true;
        let end = "data: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench/model\",\
                   \"provider\":\"Bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],\
                   \"usage\":{\"prompt_tokens\":20,\"completion_tokens\":200,\"total_tokens\":220,\"cost\":0.000423}}\n\n\
                   data: [DONE]\n\n";
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(end.as_bytes())))))
    }
}

/// The moment, as all processes of this machine count it.
pub(crate) fn now_nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}
