//! `chat`: one question to one model. The answer streams to standard output, which gets nothing else.

mod repl;
mod thread;

use std::ops::ControlFlow;
use std::pin::{Pin, pin};

use provider_core::{ChatRequest, Error, ErrorKind, Event};

use self::thread::Thread;
use crate::answer_check::AnswerForm;
use crate::ask::{Outcome, Question};
use crate::budget::Budgets;
use crate::cli::{ChatArgs, ConnectArgs, PromptArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::markdown::Markdown;
use crate::output::number::duration;
use crate::output::progress::Progress;
use crate::output::{Output, StdoutError, text};
use crate::run_log::RunLog;
use crate::target::{Prepared, Target};
use crate::template::Filled;
use crate::tools::{CallRecord, RunEvent, Tools};
use crate::{diagnostics, dry_run, estimate, fragment, prompt, signal, summary};

/// The most columns of what a tool got or returned.
const MAX_QUOTED_COLUMNS: usize = 80;
/// The columns of rendered text where there is no terminal.
const DEFAULT_COLUMNS: usize = 80;

/// Runs the command. It handles signals itself, to show the partial answer.
pub(crate) async fn run(args: &ChatArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    if repl::is_meant(args, output) {
        return repl::run(args, connect, output).await;
    }
    let mut stop = pin!(signal::shutdown());
    let prompt = tokio::select! {
        biased;
        () = &mut stop => return Err(Failure::Interrupted(None)),
        prompt = prompt(args, output) => prompt?,
    };
    let mut params = args.params.clone();
    if prompt.system.is_some() && params.system().is_none() {
        params.set_system(prompt.system);
    }
    let mut request = params.request(&prompt.prompt)?;
    let mut thread = Thread::of(args, connect).await?;
    thread.put_before(&mut request);
    let model = thread.model(args)?;
    let form = AnswerForm::of(&request)?;
    if args.schema_retry && matches!(form, AnswerForm::Any) {
        let problem = "--schema-retry needs the form of the answer: give --json-schema or --json-object";
        return Err(Failure::Usage(problem.to_owned()));
    }
    if args.dry_run {
        Tools::offer(&args.tools, &mut request)?;
        return show(args, connect, &model, request, output).await;
    }
    let mut log = RunLog::new(connect, &args.log);
    let connected = tokio::select! {
        biased;
        () = &mut stop => return Err(Failure::Interrupted(None)),
        connected = connected(args, connect, &model, request, &mut log, output) => connected,
    };
    let mut asked = None;
    let outcome = match connected {
        // The host lives until the answer is complete, since dropping it stops the sandbox.
        Ok(connected) => {
            let question = Question::new(&model, connected.target, connected.request, args.timeout);
            let (max_cost, is_priced_alone) = (args.prompt_args.max_cost, args.prompt_args.estimate);
            let tools = tokio::select! {
                biased;
                () = &mut stop => return Err(Failure::Interrupted(None)),
                // No server is started for a price.
                () = std::future::ready(()), if is_priced_alone => None,
                tools = Tools::open(&args.tools, max_cost, connect, question.request(), output) => tools?,
            };
            let question = question.tools(tools.clone());
            let priced = tokio::select! {
                biased;
                () = &mut stop => return Err(Failure::Interrupted(None)),
                priced = priced(args, &question, &connected.host, output) => priced?,
            };
            if priced.is_break() {
                return Ok(());
            }
            log.open();
            let outcome = match checked(args, &question, &form, stop.as_mut(), output).await {
                Ok(outcome) => outcome,
                Err(gone) => {
                    log.cut_off(&question, output).await;
                    log.settled(output).await;
                    return Err(gone);
                }
            };
            asked = Some(question);
            if let Some(tools) = tools {
                tools.close().await;
            }
            if args.is_held() {
                let progress = Progress::new(output, "");
                let mut page = AnswerWriter::new(output, &progress, args);
                page.whole(&outcome)?;
                page.end()?;
            }
            if outcome.interrupted { outcome } else { explained(outcome, &connected.host, stop).await }
        }
        Err(Failure::Provider(error)) => Outcome::not_asked(&model, error),
        Err(other) => return Err(other),
    };
    if args.json || args.json_lines {
        output.write_json(&outcome)?;
    }
    if let Ok(response) = &outcome.result {
        diagnostics::attempts("", &response.attempts, output);
    }
    for line in summary::lines(&outcome, output.err) {
        output.note(&line);
    }
    if let Some(question) = &asked {
        log.outcome(question, &outcome, Some(&mut thread.conversation), output).await;
        log.settled(output).await;
    }
    let was_unknown = outcome.result.as_ref().is_err_and(is_unknown_model);
    let result = end(outcome, output);
    if let Some((model, prompt)) = args.doubtful.as_ref().filter(|_| was_unknown) {
        diagnostics::tell_hint(
            &format!(
                "{model:?} was read as the model, and {prompt:?} as the prompt; a prompt of several words is put into quotes"
            ),
            output,
        );
    }
    result
}

/// Whether there is no such model.
fn is_unknown_model(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ModelNotFound | ErrorKind::NotFound)
}

/// Asks, and once more after an answer of the wrong form, if that is wanted.
async fn checked(
    args: &ChatArgs,
    question: &Question,
    form: &AnswerForm,
    mut stop: Pin<&mut impl Future<Output = ()>>,
    output: Output,
) -> Result<Outcome, Failure> {
    // The time is for all that is asked.
    let question = &question.clone().started();
    let mut outcome = ask(args, question, stop.as_mut(), output).await?;
    outcome.problem = problem(form, &outcome);
    if let Some(corrected) = corrected(args, question, &outcome) {
        let again = ask(args, &corrected, stop, output).await?;
        outcome = again.after(outcome);
        outcome.problem = problem(form, &outcome);
    }
    Ok(outcome)
}

/// The error of a complete answer that is not of the form.
fn problem(form: &AnswerForm, outcome: &Outcome) -> Option<Error> {
    outcome.result.as_ref().ok().and_then(|response| form.problem(response))
}

/// The question to ask after an answer of the wrong form, if that is wanted.
fn corrected(args: &ChatArgs, question: &Question, outcome: &Outcome) -> Option<Question> {
    let (Some(problem), Ok(answer)) = (&outcome.problem, &outcome.result) else { return None };
    let is_wanted = args.schema_retry && problem.kind() == ErrorKind::InvalidOutput;
    is_wanted.then(|| question.corrected(answer, problem))
}

impl ChatArgs {
    /// Whether the text of an answer is shown only once it is whole and checked.
    fn is_held(&self) -> bool {
        self.schema_retry && !self.json && !self.json_lines
    }
}

/// The prompt: what is given and piped in, in the template if there is one, with the fragments above it.
async fn prompt(args: &ChatArgs, output: Output) -> Result<Filled, Failure> {
    let mut filled = match &args.template {
        Some(template) => {
            let is_read = template.has_input() || args.prompt.is_some() || template.prompt.is_empty();
            let input = match is_read {
                true => Some(prompt::read(args.prompt.as_deref(), output).await?),
                false => None,
            };
            template.fill(&args.prompt_args.param, input.as_deref())?
        }
        None => Filled { system: None, prompt: prompt::read(args.prompt.as_deref(), output).await? },
    };
    filled.prompt = fragment::above(&filled.prompt, &args.prompt_args.fragment)?;
    Ok(filled)
}

/// Looks at the price of a question, if the flags want it: to show it in place of an answer, or to refuse
/// one that is above the limit.
async fn priced(
    args: &ChatArgs,
    question: &Question,
    host: &Host,
    output: Output,
) -> Result<ControlFlow<()>, Failure> {
    let PromptArgs { estimate: is_shown, max_cost, .. } = args.prompt_args;
    if !is_shown && max_cost.is_none() {
        return Ok(ControlFlow::Continue(()));
    }
    let mut request = question.request().clone();
    match question.offered() {
        Some(tools) => tools.add_to(&mut request),
        None => {
            Tools::offer(&args.tools, &mut request)?;
            if !args.tools.servers().is_empty() {
                output.note("the tools of MCP servers are not counted: no server is started for an estimate");
            }
        }
    }
    let estimate = estimate::estimate(host, question.reference(), &request).await?;
    if is_shown {
        estimate.show(args.json, output)?;
    }
    if let Some(limit) = max_cost {
        estimate.check(limit)?;
    }
    if is_shown {
        return Ok(ControlFlow::Break(()));
    }
    estimate.warn(output);
    Ok(ControlFlow::Continue(()))
}

/// Reports the failure, if there is one.
fn end(outcome: Outcome, output: Output) -> Result<(), Failure> {
    let failure = match (outcome.interrupted, outcome.generation_id().map(str::to_owned)) {
        (true, id) => Failure::Interrupted(id),
        (false, _) => match outcome.result.err().or(outcome.problem) {
            Some(error) => Failure::Provider(error),
            None => return Ok(()),
        },
    };
    diagnostics::failure(&failure, output);
    Err(Failure::Told(failure.exit()))
}

/// Adds similar models to the error of an unknown one, if they are known before `stop` resolves.
async fn explained(outcome: Outcome, host: &Host, stop: impl Future<Output = ()>) -> Outcome {
    let Err(error) = outcome.result else { return outcome };
    let error = tokio::select! {
        biased;
        () = stop => error,
        explained = host.explained(error.clone()) => explained,
    };
    Outcome { result: Err(error), ..outcome }
}

/// Shows the body of the request without sending it.
async fn show(
    args: &ChatArgs,
    connect: &ConnectArgs,
    model: &str,
    request: ChatRequest,
    output: Output,
) -> Result<(), Failure> {
    let dry_run = dry_run::DryRun::default();
    let host = Host::open_offline(connect, dry_run.context(), output)?;
    let (target, request) = target(args, &host, model, request, None).await?;
    let body = dry_run.body(&target, request).await.map_err(Failure::Provider)?;
    Ok(output.write(&format!("{body}\n"))?)
}

/// A model of a connected host, and the request for it.
struct Connected {
    host: Host,
    target: Target,
    request: ChatRequest,
}

async fn connected(
    args: &ChatArgs,
    connect: &ConnectArgs,
    model: &str,
    request: ChatRequest,
    log: &mut RunLog,
    output: Output,
) -> Result<Connected, Failure> {
    let host = Host::open(connect, output).await?;
    // An estimate is not sent.
    let budgets = if args.prompt_args.estimate { None } else { log.budgets(connect, output).await? };
    let (target, request) = target(args, &host, model, request, budgets.as_ref()).await?;
    Ok(Connected { host, target, request })
}

/// The model to ask, and the request with all that depends on its provider.
async fn target(
    args: &ChatArgs,
    host: &Host,
    model: &str,
    request: ChatRequest,
    budgets: Option<&Budgets>,
) -> Result<(Target, ChatRequest), Failure> {
    let max_seams = args.continued.then_some(args.max_seams);
    let Prepared { request, targets } =
        host.prepare(&[model.to_owned()], &args.params, max_seams, budgets, request).await?;
    let target = targets.into_iter().next();
    let missing = || Error::new(ErrorKind::NotFound, "no model was selected");
    Ok((target.unwrap_or_else(|| Err(missing()))?, request))
}

/// Asks, and shows the answer while it arrives.
async fn ask(
    args: &ChatArgs,
    question: &Question,
    stop: impl Future<Output = ()>,
    output: Output,
) -> Result<Outcome, Failure> {
    let progress = Progress::new(output, format!("waiting for {}", text::one_line(question.requested())));
    let mut page = AnswerWriter::new(output, &progress, args);
    let outcome = if args.no_stream {
        let outcome = progress.during(question.whole(stop, |event| page.event(event))).await?;
        if !args.is_held() {
            page.whole(&outcome)?;
        }
        outcome
    } else {
        page.show_text &= !args.is_held();
        progress.during(question.streamed(stop, |event| page.event(event))).await?
    };
    page.end()?;
    Ok(outcome)
}

/// A call of a tool and its end, in a line.
fn called(call: &CallRecord, output: Output) -> String {
    let name = if call.name.is_empty() { "a tool without a name" } else { &call.name };
    let arguments = text::one_line(&call.arguments);
    let took = duration(call.took);
    let (verb, said) = match (&call.result, &call.error) {
        (_, Some(error)) => ("failed", error),
        (result, None) => ("returned", &result.clone().unwrap_or_default()),
    };
    let said = text::one_line(said);
    let (arguments, said) = (text::cut(&arguments, MAX_QUOTED_COLUMNS), text::cut(&said, MAX_QUOTED_COLUMNS));
    let line = format!("{}({arguments}) {verb} after {took}: {said}", text::one_line(name));
    match call.error {
        Some(_) => output.err.yellow(line).to_string(),
        None => output.err.dim(line).to_string(),
    }
}

/// Writes the answer: text to standard output, reasoning to standard error.
struct AnswerWriter<'a> {
    output: Output,
    progress: &'a Progress,
    show_text: bool,
    show_reasoning: bool,
    /// Renders the answer, where that is wanted.
    markdown: Option<Markdown>,
    /// Whether the last line of the answer has no end yet.
    open_line: bool,
    /// Whether the last line of the reasoning has no end yet.
    open_thought: bool,
}

impl<'a> AnswerWriter<'a> {
    fn new(output: Output, progress: &'a Progress, args: &ChatArgs) -> Self {
        let is_rendered = args.markdown || (output.out_is_terminal && !args.plain);
        let columns = output.columns.unwrap_or(DEFAULT_COLUMNS);
        Self {
            output,
            progress,
            show_text: !args.json && !args.json_lines,
            show_reasoning: args.show_reasoning,
            markdown: is_rendered.then(|| Markdown::new(output.out, columns)),
            open_line: false,
            open_thought: false,
        }
    }

    fn event(&mut self, event: &RunEvent) -> Result<(), StdoutError> {
        if self.output.json_lines {
            match event {
                RunEvent::Model(event) => self.output.write_event(event)?,
                RunEvent::ToolStarted(call) => self.output.write_line("tool_started", call)?,
                RunEvent::ToolFinished(call) => self.output.write_line("tool_finished", call)?,
            }
        }
        match event {
            RunEvent::Model(Event::Text(piece)) => self.text(piece),
            RunEvent::Model(Event::Reasoning(piece)) => {
                self.reasoning(piece);
                Ok(())
            }
            RunEvent::Model(_) => Ok(()),
            RunEvent::ToolStarted(_) => {
                self.progress.clear();
                self.end()
            }
            RunEvent::ToolFinished(call) => {
                self.progress.clear();
                self.end()?;
                self.output.note(&called(call, self.output));
                Ok(())
            }
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
        match &mut self.markdown {
            Some(markdown) => self.output.write(&markdown.push(piece)),
            None => self.output.write_untrusted(piece),
        }
    }

    fn reasoning(&mut self, piece: &str) {
        if self.show_reasoning && !piece.is_empty() {
            self.progress.clear();
            self.open_thought = !piece.ends_with('\n');
            self.output.remark(&self.output.err.dim(text::strip_controls(piece)).to_string());
        }
    }

    fn end_thought(&mut self) {
        if std::mem::take(&mut self.open_thought) {
            self.output.remark("\n");
        }
    }

    fn end(&mut self) -> Result<(), StdoutError> {
        self.end_thought();
        if let Some(markdown) = &mut self.markdown {
            self.output.write(&markdown.end())?;
        }
        if std::mem::take(&mut self.open_line) { self.output.write("\n") } else { Ok(()) }
    }
}
