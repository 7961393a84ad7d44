//! A provider that does something else every time it is asked, and takes its time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    ProviderDescriptor, Usage,
};
use tokio::time::{Instant, Sleep, sleep};

use super::{ACME, Running};

/// The outcome of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    /// How long it is until there is anything: a stream, a whole answer, a list, a refusal.
    takes: Duration,
    refusal: Option<Error>,
    beats: Vec<Beat>,
}

/// A step of a stream; a whole answer is made of the same steps, without the waits.
#[derive(Clone, Debug)]
pub(crate) enum Beat {
    Text(&'static str),
    /// The JSON of a chunk, kept.
    Raw,
    /// A chunk with nothing new in it: a role, an empty delta.
    Chunk,
    Finish,
    Usage,
    /// The stream is silent for so long.
    Silence(Duration),
    /// For so long nothing comes but, every second, something that is no event.
    Comments(u64),
    Fails(Error),
    Ends,
}

impl Turn {
    pub(crate) fn fails(kind: ErrorKind) -> Self {
        Self::refuses(Error::new(kind, "not now"))
    }

    pub(crate) fn refuses(error: Error) -> Self {
        Self { refusal: Some(error), ..Self::default() }
    }

    pub(crate) fn says(text: &'static str) -> Self {
        Self::streams([Beat::Text(text), Beat::Ends])
    }

    pub(crate) fn streams(beats: impl Into<Vec<Beat>>) -> Self {
        Self { beats: beats.into(), ..Self::default() }
    }

    pub(crate) fn takes(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    /// Never gets anywhere.
    pub(crate) fn hangs() -> Self {
        Self::default().takes(Duration::from_secs(1 << 30))
    }
}

#[derive(Debug)]
pub(crate) struct InTurn {
    /// The last one is played again and again.
    turns: Mutex<VecDeque<Turn>>,
    /// When it was asked, and for what.
    asked: Mutex<Vec<(Instant, Option<ChatRequest>)>>,
    pub(crate) running: Arc<AtomicUsize>,
}

impl InTurn {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let turns = Mutex::new(turns.into_iter().collect());
        Arc::new(Self { turns, asked: Mutex::default(), running: Arc::default() })
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn requests(&self) -> Vec<ChatRequest> {
        self.asked.lock().unwrap().iter().filter_map(|(_, request)| request.clone()).collect()
    }

    /// The times from each call to the next one.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }

    async fn turn(&self, request: Option<&ChatRequest>) -> Result<Vec<Beat>, Error> {
        self.asked.lock().unwrap().push((Instant::now(), request.cloned()));
        let turn = {
            let mut turns = self.turns.lock().unwrap();
            if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
        };
        let turn = turn.expect("something to play");
        let _running = Running::start(&self.running);
        if !turn.takes.is_zero() {
            sleep(turn.takes).await;
        }
        turn.refusal.map_or(Ok(turn.beats), Err)
    }
}

#[async_trait]
impl LlmProvider for InTurn {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let beats = self.turn(Some(request)).await?.into();
        let running = Running::start(&self.running);
        let source = Beats { beats, pause: None, model: request.model.clone(), _running: running };
        Ok(ChatStream::new(source).requested(&request.model, &[]))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut accumulator = ResponseAccumulator::without_events();
        accumulator.set_requested(&request.model, &[]);
        for beat in self.turn(Some(request)).await? {
            match beat {
                Beat::Text(text) => accumulator.push_text(text),
                Beat::Finish => accumulator.set_finish_reason("stop"),
                Beat::Usage => accumulator.update_usage(Usage::default()),
                Beat::Raw | Beat::Chunk | Beat::Silence(_) | Beat::Comments(_) => {}
                Beat::Fails(error) => return Err(accumulator.fail(error)),
                Beat::Ends => accumulator.set_end_marked(),
            }
        }
        accumulator.finish()
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.turn(None).await.map(|_| Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.turn(None).await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.turn(None).await.map(drop)
    }
}

struct Beats {
    beats: VecDeque<Beat>,
    pause: Option<Pin<Box<Sleep>>>,
    model: String,
    _running: Running,
}

impl ChunkSource for Beats {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let mut pause = |time| self.pause = Some(Box::pin(sleep(time)));
        Poll::Ready(Ok(match self.beats.pop_front() {
            Some(Beat::Text(text)) => {
                accumulator.push_text(text);
                Progress::More
            }
            Some(Beat::Raw) => {
                accumulator.push_raw("{}".parse().unwrap());
                Progress::More
            }
            Some(Beat::Chunk) => {
                accumulator.note_chunk();
                Progress::More
            }
            Some(Beat::Finish) => {
                accumulator.set_finish_reason("stop");
                Progress::More
            }
            Some(Beat::Usage) => {
                accumulator.update_usage(Usage::default());
                Progress::More
            }
            Some(Beat::Silence(time)) => {
                pause(time);
                Progress::More
            }
            Some(Beat::Comments(seconds)) => {
                if seconds > 1 {
                    self.beats.push_front(Beat::Comments(seconds - 1));
                }
                pause(Duration::from_secs(1));
                accumulator.push_text("");
                Progress::More
            }
            Some(Beat::Fails(error)) => return Poll::Ready(Err(error)),
            Some(Beat::Ends) => {
                accumulator.set_end_marked();
                Progress::End
            }
            None => Progress::End,
        }))
    }

    fn describe(&self, error: Error) -> Error {
        error.with_provider("acme").with_model(&self.model)
    }
}
