//! A provider whose answers take time: turn by turn, as a script says, on tokio's clock.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, ProviderDescriptor,
    Usage,
};
use tokio::time::{Instant, Sleep, sleep};

static ACME: ProviderDescriptor =
    ProviderDescriptor::new("acme", "Acme", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("Made up for a test.")
        .accepts_unlisted_models();

/// A step of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Beat {
    Waits(Duration),
    Text(&'static str),
    /// Text, and nothing to wait for before what follows.
    TextAtOnce(&'static str),
    Usage(Box<Usage>),
    Fails(Error),
    /// The mark of the end.
    Ends,
}

/// The answer to one call: refused, or made of these beats.
pub(crate) type Turn = Result<Vec<Beat>, Error>;

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An answer that takes this many seconds.
pub(crate) fn says(text: &'static str, after: u64) -> Turn {
    Ok(vec![Beat::Waits(seconds(after)), Beat::Text(text), Beat::Ends])
}

pub(crate) fn refuses(kind: ErrorKind) -> Turn {
    Err(Error::new(kind, "not now"))
}

/// A stream that begins and breaks off.
pub(crate) fn breaks(kind: ErrorKind) -> Turn {
    Ok(vec![Beat::Text("Hel"), Beat::Fails(Error::new(kind, "broke off"))])
}

/// Plays its turns in order, whatever it is asked; when they are used up, the last one again and again.
#[derive(Debug)]
pub(crate) struct Paced {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<(Duration, ChatRequest)>>,
    start: Instant,
    open: Arc<AtomicUsize>,
    most_open: AtomicUsize,
}

impl Paced {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.into_iter().collect()),
            asked: Mutex::default(),
            start: Instant::now(),
            open: Arc::default(),
            most_open: AtomicUsize::new(0),
        })
    }

    /// Plays these from now on.
    pub(crate) fn now_plays(&self, turns: impl IntoIterator<Item = Turn>) {
        *self.turns.lock().expect("a list") = turns.into_iter().collect();
    }

    /// The requests, each with the time since the beginning.
    pub(crate) fn asked(&self) -> Vec<(Duration, ChatRequest)> {
        self.asked.lock().expect("a list").clone()
    }

    /// The last words of the requests, in order.
    pub(crate) fn questions(&self) -> Vec<String> {
        let last = |request: ChatRequest| match request.messages.last() {
            Some(provider_core::Message::User(message)) => message.content.text(),
            message => panic!("only users ask: {message:?}"),
        };
        self.asked().into_iter().map(|(_, request)| last(request)).collect()
    }

    /// When it was asked, in milliseconds since the beginning.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.asked().into_iter().map(|(at, _)| at.as_millis()).collect()
    }

    /// How many answers are under way.
    pub(crate) fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    /// How many have been under way at once.
    pub(crate) fn most_open(&self) -> usize {
        self.most_open.load(SeqCst)
    }
}

#[async_trait]
impl LlmProvider for Paced {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.asked.lock().expect("a list").push((self.start.elapsed(), request.clone()));
        let turn = {
            let mut turns = self.turns.lock().expect("a list");
            if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
        };
        let beats = turn.expect("a script").map_err(|error| error.with_provider("acme"))?.into();
        let now_open = self.open.fetch_add(1, SeqCst) + 1;
        self.most_open.fetch_max(now_open, SeqCst);
        let source = Source { beats, timer: None, open: self.open.clone() };
        Ok(ChatStream::new(source).requested(&request.model, &[]))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Err(Error::new(ErrorKind::Authentication, "no key"))
    }
}

struct Source {
    beats: VecDeque<Beat>,
    timer: Option<Pin<Box<Sleep>>>,
    open: Arc<AtomicUsize>,
}

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        accumulator.set_id("gen-1");
        accumulator.set_model("acme/dated-1");
        accumulator.set_served_by("Acme Cloud");
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            match self.beats.pop_front() {
                Some(Beat::Waits(time)) => self.timer = Some(Box::pin(sleep(time))),
                Some(Beat::Text(text)) => {
                    accumulator.push_text(text);
                    return Poll::Ready(Ok(Progress::More));
                }
                Some(Beat::TextAtOnce(text)) => accumulator.push_text(text),
                Some(Beat::Usage(usage)) => accumulator.update_usage(*usage),
                Some(Beat::Fails(error)) => return Poll::Ready(Err(error)),
                Some(Beat::Ends) => {
                    accumulator.set_finish_reason("stop");
                    accumulator.set_end_marked();
                    return Poll::Ready(Ok(Progress::End));
                }
                None => return Poll::Ready(Ok(Progress::End)),
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.open.fetch_sub(1, SeqCst);
    }
}
