//! Tests on terminals: tables of several widths, which wrap and lose nothing; the README's commands.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::Command;

use crate::support::{against, assert_has, binary, ran, sandbox};

const WIDTHS: [u16; 4] = [40, 60, 80, 120];
/// The titles of first columns, which are left out where rows become paragraphs.
const FIRST_TITLES: [&str; 6] = ["ID", "CAPABILITY", "SETTING", "REQUESTED", "ENDPOINT", "CHECK"];

/// A pseudo-terminal: its controlling side, and the side for a program.
pub(crate) fn terminal(columns: u16) -> (File, File) {
    let shown: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    tcsetwinsize(&shown, Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let path = ptsname(&shown, Vec::new()).unwrap();
    let path = std::ffi::OsStr::from_bytes(path.to_bytes());
    let flags = OFlags::NOCTTY.bits().try_into().unwrap();
    (shown.into(), OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).unwrap())
}

/// Everything that a terminal showed until its last program ended.
async fn read(mut shown: File) -> String {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        // On Linux, the end of a pseudo-terminal is an error.
        let _ = shown.read_to_end(&mut bytes);
        bytes
    });
    String::from_utf8(read.await.unwrap()).unwrap().replace("\r\n", "\n")
}

/// The output of a command on a terminal of this width.
async fn shown(mut command: Command, columns: u16) -> String {
    let (shown, program) = terminal(columns);
    let read = tokio::spawn(read(shown));
    let mut child = command.args(["--color", "never"]).stdout(program).spawn().unwrap();
    // The command holds the program's side of the terminal open.
    drop(command);
    child.wait().await.unwrap();
    read.await.unwrap()
}

/// Asserts that no line is wider than the terminal, except for single words, which are never cut.
#[track_caller]
fn assert_fits(text: &str, columns: u16) {
    for line in text.lines().filter(|line| line.split_whitespace().count() > 1) {
        assert!(line.chars().count() <= columns.into(), "wider than {columns}: {line:?} in\n{text}");
    }
}

/// Asserts that a text fits, and that it has all words of the wide text.
#[track_caller]
fn assert_folded(text: &str, wide: &str, columns: u16) {
    assert_fits(text, columns);
    for word in wide.split_whitespace().filter(|word| !FIRST_TITLES.contains(word)) {
        assert!(
            text.split_whitespace().any(|other| other == word),
            "{word:?} is missing at {columns}:\n{text}"
        );
    }
}

#[tokio::test]
async fn narrow_models_table_loses_nothing() {
    let sandbox = sandbox().await;
    let models = || against(&sandbox, &["models", "--author", "openai", "--author", "anthropic"]);
    let wide = shown(models(), 200).await;
    for columns in WIDTHS {
        assert_folded(&shown(models(), columns).await, &wide, columns);
    }
}

#[tokio::test]
async fn models_table_fits_every_width() {
    let sandbox = sandbox().await;
    for (columns, expected) in [(120, AT_120), (80, AT_80), (60, AT_60), (40, AT_40)] {
        let models = against(
            &sandbox,
            &["models", "--author", "openai", "--max-price", "10", "--min-context", "200000"],
        );
        assert_eq!(shown(models, columns).await, expected, "at {columns}");
    }
}

const AT_120: &str = "\
ID              CONTEXT  MAX OUT  $/M IN  $/M OUT  CAN
openai/gpt-5    400,000  128,000    1.25    10.00  tools json reasoning vision
openai/o4-mini  200,000  100,000    1.10     4.40  tools json reasoning vision (ends 2027-03-31)
";

const AT_80: &str = "\
ID              CONTEXT  MAX OUT  $/M IN  $/M OUT  CAN
openai/gpt-5    400,000  128,000    1.25    10.00  tools json reasoning vision
openai/o4-mini  200,000  100,000    1.10     4.40  tools json reasoning vision
                                                   (ends 2027-03-31)
";

const AT_60: &str = "\
openai/gpt-5
  CONTEXT 400,000  MAX OUT 128,000  $/M IN 1.25
  $/M OUT 10.00  CAN tools json reasoning vision
openai/o4-mini
  CONTEXT 200,000  MAX OUT 100,000  $/M IN 1.10
  $/M OUT 4.40
  CAN tools json reasoning vision (ends 2027-03-31)
";

const AT_40: &str = "\
openai/gpt-5
  CONTEXT 400,000  MAX OUT 128,000
  $/M IN 1.25  $/M OUT 10.00
  CAN tools json reasoning vision
openai/o4-mini
  CONTEXT 200,000  MAX OUT 100,000
  $/M IN 1.10  $/M OUT 4.40
  CAN tools json reasoning vision (ends
    2027-03-31)
";

#[tokio::test]
async fn comparison_keeps_its_figures_at_every_width() {
    let sandbox = sandbox().await;
    let models = ["anthropic/claude-sonnet-4.5", "openai/gpt-4o", "sandbox/no-credits"];
    let args = [&["compare", "Say hi", "--max-tokens", "12"], &models[..]].concat();
    for columns in WIDTHS {
        let text = shown(against(&sandbox, &args), columns).await;
        // Times differ from run to run, and these words do not.
        assert_has(&text, &models);
        let wide: Vec<&str> = text.split_whitespace().filter(|word| word.starts_with("$0.0")).collect();
        assert!(wide.len() >= 3, "two costs and their sum at {columns}:\n{text}");
        assert_has(&text, &["COST", "FINISH", "length", "error", "2 of 3 answered", "payment required:"]);
        assert_has(&text, &["anthropic/claude-4.5-sonnet-20250929", "openai/gpt-4o-2024-11-20", "Anthropic"]);
        assert_fits(&text, columns);
    }
}

#[tokio::test]
async fn provider_page_and_key_fit_narrow_terminals() {
    let sandbox = sandbox().await;
    let page = || {
        let mut command = binary();
        command.args(["providers", "show", "openrouter"]);
        command
    };
    let wide = shown(page(), 400).await;
    for columns in WIDTHS {
        assert_folded(&shown(page(), columns).await, &wide, columns);
        let key = shown(against(&sandbox, &["key"]), columns).await;
        assert_folded(&key, "label limit $100 remaining usage free tier no expires never", columns);
    }
}

#[tokio::test]
async fn pages_about_models_and_machine_fit_narrow_terminals() {
    let sandbox = sandbox().await;
    for args in [&["endpoints", "openai/gpt-4o"][..], &["models", "show", "openai/gpt-4o"]] {
        let wide = shown(against(&sandbox, args), 400).await;
        for columns in WIDTHS {
            assert_folded(&shown(against(&sandbox, args), columns).await, &wide, columns);
        }
    }
    for columns in WIDTHS {
        // Times differ from run to run.
        let text = shown(against(&sandbox, &["doctor"]), columns).await;
        assert_fits(&text, columns);
        assert_has(&text, &["openrouter: reach", "certificates", "it works"]);
    }
}

#[tokio::test]
async fn errors_wrap_between_words() {
    let (screen, program) = terminal(40);
    let read = tokio::spawn(read(screen));
    let mut command = binary();
    command.args(["key", "--color", "never"]).stderr(program);
    let mut child = command.spawn().unwrap();
    drop(command);
    assert_eq!(child.wait().await.unwrap().code(), Some(2));
    let expected = "\
error: configuration: settings cannot be
  used
  api_key: OPENROUTER_API_KEY is not set
hint: set OPENROUTER_API_KEY, keep a key
  with `asq keys set openrouter`, or
  give --sandbox, which needs no key and
  makes answers up; keys are made at
  https://openrouter.ai/settings/keys
";
    assert_eq!(read.await.unwrap(), expected);
}

/// Splits a command line as a shell does; of its syntax, it knows double quotes alone.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[tokio::test]
async fn readme_commands_run_on_terminal_and_pipe() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap().replace("\\\n", "");
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("cargo run -- ")).collect();
    assert_eq!(commands.first(), Some(&"--sandbox chat openai/gpt-4o \"Hello\""));
    for line in commands {
        let without = ran(binary().args(words(line))).await.with_code(0);
        assert_has(&without.err, &["built-in sandbox"]);
        let (screen, program) = terminal(100);
        let read = tokio::spawn(read(screen));
        let mut command = binary();
        command.args(words(line)).stdin(program.try_clone().unwrap()).stdout(program.try_clone().unwrap());
        let mut child = command.stderr(program).spawn().unwrap();
        drop(command);
        assert!(child.wait().await.unwrap().success(), "{line}");
        assert_has(&read.await.unwrap(), &["built-in sandbox"]);
    }
}
