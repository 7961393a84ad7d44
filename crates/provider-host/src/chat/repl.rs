//! `chat` without a prompt at a terminal: questions and answers until Ctrl-D. Ctrl-C stops an answer, and not
//! the program.

mod commands;
mod lines;

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::sync::Arc;

use provider_core::{Message, Usd};
use workspace_store::{Run, RunFilter};

use self::commands::Typed;
use self::lines::Lines;
use super::thread::Thread;
use super::{ask, explained, target};
use crate::answer_check::AnswerForm;
use crate::ask::{Outcome, Question};
use crate::cli::{ChatArgs, ConnectArgs};
use crate::config::LogLevel;
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::dollars;
use crate::params::Params;
use crate::run_log::RunLog;
use crate::signal::{self, Signal, Signals};
use crate::storage::{Storage, failed};
use crate::tools::Tools;
use crate::{diagnostics, log, summary};

/// The file of the lines that were typed, in the folder of the store.
const HISTORY: &str = "history.txt";
/// How many runs are read at a time.
const RUNS_AT_ONCE: u32 = 500;

/// Whether a command line means a conversation: it has no prompt, and a person is at both ends.
pub(crate) fn is_meant(args: &ChatArgs, output: Output) -> bool {
    let is_for_a_program = args.json || args.json_lines || args.dry_run || args.prompt_args.estimate;
    args.prompt.is_none()
        && args.template.is_none()
        && !is_for_a_program
        && output.out_is_terminal
        && std::io::stdin().is_terminal()
}

/// A conversation at the terminal.
struct Repl<'a> {
    args: &'a ChatArgs,
    connect: &'a ConnectArgs,
    output: Output,
    host: Host,
    tools: Option<Arc<Tools>>,
    log: RunLog,
    model: String,
    params: Params,
    thread: Thread,
    /// The conversation before each question, with the question: what `/undo` and `/retry` go back to.
    before: Vec<(Thread, Vec<Message>)>,
    spent: Usd,
    /// How many answers have no known cost.
    unknown: u32,
    /// Set by SIGTERM, which ends the program.
    is_over: Cell<bool>,
}

/// Runs the conversation.
///
/// # Errors
/// When providers cannot be connected, or standard output takes no more. What goes wrong with a question is
/// told, and the conversation goes on.
pub(crate) async fn run(args: &ChatArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    if args.schema_retry {
        return Err(Failure::Usage("--schema-retry is for one question: give a prompt".to_owned()));
    }
    let output = Output { conversation: true, ..output };
    let thread = Thread::of(args, connect).await?;
    let model = thread.model(args)?;
    let max_cost = args.prompt_args.max_cost;
    let tools = Tools::open(&args.tools, max_cost, connect, &args.params.request("")?, output).await?;
    let host = Host::open(connect, output).await?;
    let log = RunLog::new(connect, &args.log);
    let keeps_text = !args.log.no_log && connect.kept.log_level() == LogLevel::All;
    let history = connect.kept.data().filter(|_| keeps_text).map(|folder| folder.join(HISTORY));
    let mut lines = Lines::open(history)?;
    let (params, before) = (args.params.clone(), thread.questions());
    let (spent, unknown) = spent(&thread, connect).await?;
    let is_over = Cell::new(false);
    let mut repl = Repl {
        args,
        connect,
        output,
        host,
        tools,
        log,
        model,
        params,
        thread,
        before,
        spent,
        unknown,
        is_over,
    };
    let told = match repl.thread.messages.len() {
        0 => format!("{}; /help lists the commands, Ctrl-D ends", repl.model),
        count => format!("{}, after {}; /help lists the commands, Ctrl-D ends", repl.model, messages(count)),
    };
    output.note(&output.err.dim(told).to_string());
    let result = repl.read(&mut lines).await;
    if let Some(tools) = &repl.tools {
        tools.close().await;
    }
    result
}

/// So many messages, in words.
fn messages(count: usize) -> String {
    match count {
        0 => "the beginning".to_owned(),
        1 => "one message".to_owned(),
        several => format!("{several} messages"),
    }
}

/// The cost of a conversation until now, and how many of its answers have no known one.
async fn spent(thread: &Thread, connect: &ConnectArgs) -> Result<(Usd, u32), Failure> {
    let (mut spent, mut unknown) = (Usd::ZERO, 0);
    let Some(id) = &thread.conversation.id else { return Ok((spent, unknown)) };
    let Storage { store, workspace, .. } = connect.kept.storage().await?;
    let (filter, mut before) = (RunFilter::new().conversation(id), None);
    loop {
        let runs = store.runs(&workspace, &filter, before.as_deref(), RUNS_AT_ONCE).await.map_err(failed)?;
        let Some(last) = runs.last() else { return Ok((spent, unknown)) };
        before = Some(last.id.clone());
        for run in &runs {
            spent = spent + log::cost(run).unwrap_or(Usd::ZERO);
            unknown += u32::from(run.lacks_cost());
        }
    }
}

impl Repl<'_> {
    /// Reads lines and does what they say, until one ends the conversation.
    async fn read(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        while let Some(line) = lines.next().await? {
            let result = match commands::parse(&line) {
                Typed::Nothing => Ok(()),
                Typed::Exit => break,
                Typed::Prompt(prompt) => self.asked(prompt).await,
                Typed::Command(command) => self.obey(command).await,
                Typed::Wrong(problem) => Err(Failure::Usage(problem)),
            };
            match result {
                Ok(()) => {}
                Err(failure @ (Failure::ClosedPipe | Failure::Io(..))) => return Err(failure),
                Err(failure) => diagnostics::failure(&failure, self.output),
            }
            if self.is_over.get() {
                return Err(Failure::Interrupted(None));
            }
        }
        Ok(())
    }

    /// Asks with a prompt, and with what is attached to it.
    async fn asked(&mut self, prompt: &str) -> Result<(), Failure> {
        let request = self.params.request(prompt)?;
        let question = request.messages.iter().filter(|message| matches!(message, Message::User(_))).cloned();
        self.turn(question.collect()).await
    }

    /// Asks with these messages of the user, shows the answer, and keeps both.
    async fn turn(&mut self, question: Vec<Message>) -> Result<(), Failure> {
        let mut request = self.params.request("")?;
        let system = request.messages.iter().filter(|message| !matches!(message, Message::User(_)));
        request.messages = system.cloned().chain(question.iter().cloned()).collect();
        let mut thread = self.thread.clone();
        thread.put_before(&mut request);
        let form = AnswerForm::of(&request)?;
        let budgets = self.log.budgets(self.connect, self.output).await?;
        let (target, request) = target(self.args, &self.host, &self.model, request, budgets.as_ref()).await?;
        let asked = Question::new(&self.model, target, request, self.args.timeout);
        let asked = asked.tools(self.tools.clone());
        self.log.open();
        let mut signals = Signals::listen();
        let stop = async {
            if signals.next().await == Signal::Terminated {
                self.is_over.set(true);
            }
        };
        if super::priced(self.args, &asked, &self.host, self.output).await?.is_break() {
            return Ok(());
        }
        let outcome = ask(self.args, &asked, stop, self.output).await?;
        let outcome = match outcome.interrupted {
            true => outcome,
            false => explained(outcome, &self.host, signal::shutdown()).await,
        };
        let problem = outcome.result.as_ref().ok().and_then(|response| form.problem(response));
        for line in summary::lines(&outcome, self.output.err) {
            self.output.note(&line);
        }
        self.log.outcome(&asked, &outcome, Some(&mut thread.conversation), self.output).await;
        self.log.settled(self.output).await;
        self.count(&asked, &outcome);
        if let Some(response) = outcome.response() {
            let mut said = response.message.clone();
            if outcome.result.is_err() {
                said.tool_calls.clear();
            }
            if !said.is_empty() && said.tool_calls.is_empty() {
                thread.messages = asked.request().messages.iter().cloned().chain([said.into()]).collect();
                self.before.push((std::mem::replace(&mut self.thread, thread), question));
                self.params.clear_attachments();
            }
        }
        match (outcome.interrupted, outcome.result.err().or(problem)) {
            (true, _) => {
                self.output.note("stopped");
                Ok(())
            }
            (false, Some(error)) => Err(Failure::Provider(error)),
            (false, None) => Ok(()),
        }
    }

    /// Counts what an outcome has cost, by the rules of the store.
    fn count(&mut self, asked: &Question, outcome: &Outcome) {
        let reference = asked.reference();
        let earlier = outcome.earlier.iter().map(Ok);
        for result in earlier.chain([outcome.result.as_ref()]) {
            // An id could not be made; it is not needed here.
            let Ok(run) = Run::begin("", &reference.provider, &reference.model) else { return };
            let run = match result {
                Ok(response) => run.answered(response),
                Err(error) => run.failed(error),
            };
            self.spent = self.spent + log::cost(&run).unwrap_or(Usd::ZERO);
            self.unknown += u32::from(run.lacks_cost());
        }
    }

    fn told_cost(&self) -> String {
        let unknown = match self.unknown {
            0 => String::new(),
            1 => ", and an answer of unknown cost".to_owned(),
            count => format!(", and {count} answers of unknown cost"),
        };
        format!("this conversation has cost {} so far{unknown}; `asq cost` has the sums", dollars(self.spent))
    }
}
