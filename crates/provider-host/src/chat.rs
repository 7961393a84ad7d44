//! `chat`: one question to one model. The answer goes to standard output as it comes, and nothing else does.

use openrouter_provider::body;
use provider_core::{ChatRequest, Event};
use provider_registry::SelectedModel;

use crate::ask::{Outcome, Question};
use crate::cli::{ChatArgs, ConnectArgs};
use crate::connect::Host;
use crate::exit::{Failure, tell_attempts};
use crate::output::progress::Progress;
use crate::output::{Output, StdoutError, text};
use crate::{prompt, summary};

pub(crate) async fn run(args: &ChatArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let prompt = prompt::read(args.prompt.as_deref(), output).await?;
    let request = args.params.request(&prompt)?;
    if args.dry_run {
        return show(args, connect, request, output).await;
    }
    let outcome = match connected(args, connect, output).await {
        // The host stays while its model is asked: the sandbox goes with it.
        Ok((_host, model)) => {
            let question = Question::new(&args.model, model, request, args.timeout);
            ask(args, &question, output).await?
        }
        Err(Failure::Provider(error)) => Outcome::not_asked(&args.model, error),
        Err(other) => return Err(other),
    };
    if args.json {
        output.write_json(&outcome)?;
    }
    if let Ok(response) = &outcome.result {
        tell_attempts("", &response.attempts, output);
    }
    for line in summary::lines(&outcome, args.params.fallbacks(), output.err) {
        output.note(&line);
    }
    outcome.result.map(drop).map_err(Failure::Provider)
}

/// Shows the body that would be sent.
async fn show(
    args: &ChatArgs,
    connect: &ConnectArgs,
    mut request: ChatRequest,
    output: Output,
) -> Result<(), Failure> {
    let (_host, model) = connected(args, connect, output).await?;
    model.id().clone_into(&mut request.model);
    let body = body::to_json(&request).map_err(Failure::Provider)?;
    Ok(output.write(&format!("{body}\n"))?)
}

async fn connected(
    args: &ChatArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(Host, SelectedModel), Failure> {
    let host = Host::open(connect, output).await?;
    let model = host.model(&args.model).await?;
    Ok((host, model))
}

/// Asks, and shows the answer while it comes.
async fn ask(args: &ChatArgs, question: &Question, output: Output) -> Result<Outcome, Failure> {
    let progress = Progress::new(output, format!("waiting for {}", text::one_line(&args.model)));
    let mut page = Page::new(output, &progress, args);
    let outcome = if args.no_stream {
        let outcome = progress.during(question.whole()).await;
        page.whole(&outcome)?;
        outcome
    } else {
        progress.during(question.streamed(|event| page.event(event))).await?
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
