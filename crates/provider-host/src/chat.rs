//! `chat`: one question to one model. The answer goes to standard output as it comes, and nothing else does.

use std::pin::pin;

use openrouter_provider::body;
use provider_core::{ChatRequest, Event};
use provider_registry::SelectedModel;

use crate::ask::{Outcome, Question};
use crate::cli::{ChatArgs, ConnectArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::progress::Progress;
use crate::output::{Output, StdoutError, text};
use crate::params::set_fallbacks;
use crate::verdict::Form;
use crate::{prompt, stop, summary, tell};

/// Hears the signals itself: what had come by then is shown.
pub(crate) async fn run(args: &ChatArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut stop = pin!(stop::asked_for());
    let prompt = tokio::select! {
        biased;
        () = &mut stop => return Err(Failure::Interrupted(None)),
        prompt = prompt::read(args.prompt.as_deref(), output) => prompt?,
    };
    let request = args.params.request(&prompt)?;
    let form = Form::of(&request)?;
    if args.dry_run {
        return show(args, connect, request, output).await;
    }
    let connected = tokio::select! {
        biased;
        () = &mut stop => return Err(Failure::Interrupted(None)),
        connected = connected(args, connect, request, output) => connected,
    };
    let mut outcome = match connected {
        // The host stays while its model is asked: the sandbox goes with it.
        Ok(connected) => {
            let question = Question::new(&args.model, connected.model, connected.request, args.timeout);
            let outcome = ask(args, &question, stop.as_mut(), output).await?;
            if outcome.interrupted { outcome } else { explained(outcome, &connected.host, stop).await }
        }
        Err(Failure::Provider(error)) => Outcome::not_asked(&args.model, error),
        Err(other) => return Err(other),
    };
    outcome.problem = outcome.result.as_ref().ok().and_then(|response| form.problem(response));
    if args.json {
        output.write_json(&outcome)?;
    }
    if let Ok(response) = &outcome.result {
        tell::attempts("", &response.attempts, output);
    }
    for line in summary::lines(&outcome, output.err) {
        output.note(&line);
    }
    end(outcome, output)
}

/// Tells what went wrong, if anything did.
fn end(outcome: Outcome, output: Output) -> Result<(), Failure> {
    let failure = match (outcome.interrupted, outcome.generation_id().map(str::to_owned)) {
        (true, id) => Failure::Interrupted(id),
        (false, _) => match outcome.result.err().or(outcome.problem) {
            Some(error) => Failure::Provider(error),
            None => return Ok(()),
        },
    };
    failure.tell(output);
    Err(Failure::Told(failure.exit()))
}

/// The outcome with similar models in the error of an unknown one, if they are known before `stop` is done.
async fn explained(outcome: Outcome, host: &Host, stop: impl Future<Output = ()>) -> Outcome {
    let Err(error) = outcome.result else { return outcome };
    let error = tokio::select! {
        biased;
        () = stop => error,
        explained = host.explained(error.clone()) => explained,
    };
    Outcome { result: Err(error), ..outcome }
}

/// Shows the body that would be sent.
async fn show(
    args: &ChatArgs,
    connect: &ConnectArgs,
    mut request: ChatRequest,
    output: Output,
) -> Result<(), Failure> {
    let host = Host::open_offline(connect, output)?;
    host.model(&args.model).await?.id().clone_into(&mut request.model);
    set_fallbacks(&mut request, &host.ids(args.params.fallbacks()).await?);
    let body = body::to_json(&request).map_err(Failure::Provider)?;
    Ok(output.write(&format!("{body}\n"))?)
}

/// A model, and what it is asked.
struct Connected {
    host: Host,
    model: SelectedModel,
    request: ChatRequest,
}

async fn connected(
    args: &ChatArgs,
    connect: &ConnectArgs,
    mut request: ChatRequest,
    output: Output,
) -> Result<Connected, Failure> {
    let host = Host::open(connect, output).await?;
    let model = host.model(&args.model).await?;
    set_fallbacks(&mut request, &host.ids(args.params.fallbacks()).await?);
    Ok(Connected { host, model, request })
}

/// Asks, and shows the answer while it comes.
async fn ask(
    args: &ChatArgs,
    question: &Question,
    stop: impl Future<Output = ()>,
    output: Output,
) -> Result<Outcome, Failure> {
    let progress = Progress::new(output, format!("waiting for {}", text::one_line(&args.model)));
    let mut page = Page::new(output, &progress, args);
    let outcome = if args.no_stream {
        let outcome = progress.during(question.whole(stop)).await;
        page.whole(&outcome)?;
        outcome
    } else {
        progress.during(question.streamed(stop, |event| page.event(event))).await?
    };
    page.end()?;
    Ok(outcome)
}

/// Where the answer is written: text to standard output, thoughts to standard error.
struct Page<'a> {
    output: Output,
    progress: &'a Progress,
    show_text: bool,
    show_reasoning: bool,
    /// The last line of the answer has no end yet.
    open_line: bool,
    /// The same of the thoughts.
    open_thought: bool,
}

impl<'a> Page<'a> {
    fn new(output: Output, progress: &'a Progress, args: &ChatArgs) -> Self {
        let (show_text, show_reasoning) = (!args.json, args.show_reasoning);
        Self { output, progress, show_text, show_reasoning, open_line: false, open_thought: false }
    }

    fn event(&mut self, event: &Event) -> Result<(), StdoutError> {
        match event {
            Event::Text(piece) => self.text(piece),
            Event::Reasoning(piece) => {
                self.reasoning(piece);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn whole(&mut self, outcome: &Outcome) -> Result<(), StdoutError> {
        let Some(response) = outcome.response() else { return Ok(()) };
        self.reasoning(&response.reasoning());
        self.text(response.text())
    }

    fn text(&mut self, piece: &str) -> Result<(), StdoutError> {
        if !self.show_text || piece.is_empty() {
            return Ok(());
        }
        self.progress.clear();
        self.end_thought();
        self.open_line = !piece.ends_with('\n');
        self.output.write_foreign(piece)
    }

    fn reasoning(&mut self, piece: &str) {
        if self.show_reasoning && !piece.is_empty() {
            self.progress.clear();
            self.open_thought = !piece.ends_with('\n');
            self.output.remark(&self.output.err.dim(text::harmless(piece)).to_string());
        }
    }

    fn end_thought(&mut self) {
        if std::mem::take(&mut self.open_thought) {
            self.output.remark("\n");
        }
    }

    fn end(&mut self) -> Result<(), StdoutError> {
        self.end_thought();
        if std::mem::take(&mut self.open_line) { self.output.write("\n") } else { Ok(()) }
    }
}
