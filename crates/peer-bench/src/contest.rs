//! The contest: every client in turn, again and again, and the medians.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::client::{Failure, NAMES, title};
use crate::measure::Task;
use crate::work::{Kind, Stream};

/// A line of the table.
struct Line {
    name: &'static str,
    task: Task,
    counts: bool,
}

fn lines() -> Vec<Line> {
    let time = |name, task| Line { name, task, counts: false };
    let count = |name, task| Line { name, task, counts: true };
    let stream = |kind, chunks, per_frame| Task::Stream(Stream::new(kind, chunks, per_frame));
    vec![
        time("text, paced", stream(Kind::Text, 20_000, 1)),
        time("text, paced, in a task", Task::Spawned(Stream::new(Kind::Text, 20_000, 1))),
        time("text, a write each 30 µs", Task::Stream(Stream::new(Kind::Text, 10_000, 1).gap(30))),
        time("text, batched", stream(Kind::Text, 40_000, 20)),
        time("long text, paced", stream(Kind::LongText, 20_000, 1)),
        time("tool arguments, paced", stream(Kind::Tools, 20_000, 1)),
        time("thoughts, paced", stream(Kind::Reasoning, 20_000, 1)),
        time("one event of 1 MiB", stream(Kind::Large, 1024, 1)),
        time("one event of 4 MiB", stream(Kind::Large, 4096, 1)),
        time("2,000 pieces of arguments", stream(Kind::Tools, 2_000, 1)),
        time("8,000 pieces of arguments", stream(Kind::Tools, 8_000, 1)),
        time("whole answers, 64 at once", Task::Whole { at_once: 64 }),
        time("short streams, one after the other", Task::Short),
        time("first piece", Task::FirstPiece),
        time("200 streams in a row", Task::Connections),
        time("1,000 streams", Task::Many { at_once: 1_000 }),
        time("5,000 streams", Task::Many { at_once: 5_000 }),
        time("catalogue", Task::Models),
        time("a pause of 1 s, 67 MB to come", Task::Paused),
        time("first calls over TLS", Task::Cold { directory: false }),
        time("first calls over TLS, with a directory of certificates", Task::Cold { directory: true }),
        count("text, counted", stream(Kind::Text, 20_000, 1)),
        count("text batched, counted", stream(Kind::Text, 40_000, 20)),
        count("long text, counted", stream(Kind::LongText, 20_000, 1)),
        count("tool arguments, counted", stream(Kind::Tools, 20_000, 1)),
        count("thoughts, counted", stream(Kind::Reasoning, 20_000, 1)),
        count("whole answers, counted", Task::Whole { at_once: 64 }),
        count("short streams, counted", Task::Short),
        count("catalogue, counted", Task::Models),
    ]
}

/// A server of one's own, and the file of certificates that its clients are to trust, for as long as this
/// lives.
struct Server {
    process: Child,
    trusted: PathBuf,
    ports: String,
}

impl Server {
    fn start(pins: &Pins, program: &Path) -> Result<Self, Failure> {
        let trusted = std::env::temp_dir().join(format!("peer-bench-{}.pem", std::process::id()));
        let mut command = pins.command(program, 1);
        let process = command.arg("serve").arg(&trusted).stdout(Stdio::piped()).spawn()?;
        let mut server = Self { process, trusted, ports: String::new() };
        let said = server.process.stdout.take().ok_or("the server says nothing")?;
        BufReader::new(said).read_line(&mut server.ports)?;
        Ok(server)
    }

    /// The port for a task.
    fn port(&self, task: Task) -> Result<&str, Failure> {
        let (plain, secret) = self.ports.trim().split_once(' ').ok_or("the server has no ports")?;
        Ok(if matches!(task, Task::Cold { .. }) { secret } else { plain })
    }

    /// Has the client of a task trust this server. Where nobody says it, a system has a file, and some have a
    /// directory, too.
    fn be_trusted(&self, task: Task, client: &mut Command) {
        if let Task::Cold { directory } = task {
            client.env("SSL_CERT_FILE", &self.trusted).env_remove("SSL_CERT_DIR");
            if directory {
                client.env("SSL_CERT_DIR", "/etc/ssl/certs");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.trusted);
    }
}

/// The mark with which a failed measurement begins its output; the reason follows.
pub const FAILED: &str = "failed\t";

/// Makes commands that keep to one processor each, so that server and client do not share one, where there
/// are two and `taskset`.
struct Pins(bool);

impl Pins {
    fn find() -> Self {
        let several = std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1);
        let asked =
            Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        Self(several && asked.is_ok_and(|status| status.success()))
    }

    fn command(&self, program: &Path, processor: usize) -> Command {
        let mut command = if self.0 {
            let mut command = Command::new("taskset");
            command.args(["-c", &processor.to_string()]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The peers would use them even for this machine.
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command
    }
}

/// A client's results in a line: for each figure one value per round, or why it cannot do the work.
type Shown = Result<Vec<(String, Vec<f64>)>, String>;

/// `[--rounds N] [--clients A,B] [WORDS OF A LINE'S NAME]`
pub fn run(words: &[String]) -> Result<(), Failure> {
    let option = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let rounds: usize = option("--rounds").map_or(Ok(5), |rounds| rounds.parse())?;
    let clients: Vec<String> = match option("--clients") {
        Some(names) => names.split(',').map(str::to_owned).collect(),
        None => NAMES.map(str::to_owned).to_vec(),
    };
    let filter = words.first().filter(|word| !word.starts_with("--")).cloned().unwrap_or_default();
    let own = std::env::current_exe()?;
    let counting = own.with_file_name("peer-count");
    let pins = Pins::find();
    let server = Server::start(&pins, &own)?;
    print_head(&clients);
    for line in lines().iter().filter(|line| line.name.contains(&filter)) {
        let port = server.port(line.task)?;
        let program = if line.counts { &counting } else { &own };
        let mut shown: Vec<Shown> = vec![Ok(Vec::new()); clients.len()];
        for _ in 0..rounds {
            for (client, shown) in clients.iter().zip(&mut shown) {
                let Ok(figures) = shown else { continue };
                let mut command = pins.command(program, 0);
                let command = command.args(["one", client, port]).args(line.task.words());
                server.be_trusted(line.task, command);
                if let Err(why) = measure(command, figures)? {
                    *shown = Err(why);
                }
            }
        }
        print(line.name, &shown);
    }
    Ok(())
}

/// Runs a measurement and adds what came out, or says why nothing did.
fn measure(
    command: &mut Command,
    figures: &mut Vec<(String, Vec<f64>)>,
) -> Result<Result<(), String>, Failure> {
    let output = command.stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(why) = said.strip_prefix(FAILED) {
        return Ok(Err(cell(why)));
    }
    if !output.status.success() {
        return Ok(Err(cell(&String::from_utf8_lossy(&output.stderr))));
    }
    for (figure, value) in said.lines().filter_map(|line| line.split_once('\t')) {
        let value: f64 = value.parse()?;
        match figures.iter_mut().find(|(known, _)| known == figure) {
            Some((_, values)) => values.push(value),
            None => figures.push((figure.to_owned(), vec![value])),
        }
    }
    Ok(Ok(()))
}

/// A text as short and plain as a cell of a table takes it.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "/").chars().take(120).collect()
}

fn print_head(clients: &[String]) {
    let titles: Vec<String> = clients.iter().map(|client| title(client)).collect();
    println!("| work | figure | {} |", titles.join(" | "));
    println!("|---|---|{}", "---:|".repeat(clients.len()));
}

/// A row for each figure: a client's median, and its ratio to the first client: the median of the rounds'
/// ratios.
fn print(name: &str, shown: &[Shown]) {
    let mut names: Vec<&str> = Vec::new();
    for (figure, _) in shown.iter().flatten().flatten() {
        if !names.contains(&figure.as_str()) {
            names.push(figure);
        }
    }
    if names.is_empty() {
        names.push("-");
    }
    let values = |shown: &Shown, figure: &str| -> Result<Vec<f64>, String> {
        let figures = shown.as_ref().map_err(String::clone)?;
        let found = figures.iter().find(|(known, _)| known == figure);
        found.map(|(_, values)| values.clone()).ok_or_else(|| "-".to_owned())
    };
    for figure in names {
        let base = shown.first().and_then(|first| values(first, figure).ok()).unwrap_or_default();
        let cells: Vec<String> = shown
            .iter()
            .map(|shown| match values(shown, figure) {
                Ok(values) if base.is_empty() => number(median(&values)),
                Ok(values) => {
                    let ratios: Vec<f64> =
                        values.iter().zip(&base).map(|(value, base)| value / base).collect();
                    let ratio = median(&ratios);
                    // A zero base has no ratio.
                    let ratio = if ratio.is_finite() { format!(" ({ratio:.2}x)") } else { String::new() };
                    format!("{}{ratio}", number(median(&values)))
                }
                Err(why) => why,
            })
            .collect();
        println!("| {name} | {figure} | {} |", cells.join(" | "));
    }
}

/// A number with as many digits as tell something.
fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}
