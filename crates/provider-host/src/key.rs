//! `key`: tests the connection, and shows the key's limit and usage.

use provider_core::{ConnectionReport, Usd};

use crate::cli::{ConnectArgs, KeyArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::number::{UNKNOWN, dollars};
use crate::output::progress::Progress;
use crate::output::{Output, text};

pub(crate) async fn run(args: &KeyArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let host = Host::open(connect, output).await?;
    let progress = Progress::new(output, "testing the key");
    let report = progress.during(host.instance()?.provider().check()).await?;
    if args.json {
        return Ok(output.write_json(&report)?);
    }
    let lines = rows(&report).map(|(name, value)| {
        let line = format!("{} {}", output.out.dim(format!("{name:<10}")), text::one_line(&value));
        match output.columns {
            Some(room) => text::wrap(&line, room, 11).join("\n") + "\n",
            None => line + "\n",
        }
    });
    Ok(output.write(&format!("{}\n{}", output.out.green("the key works"), lines.concat()))?)
}

fn rows(report: &ConnectionReport) -> [(&'static str, String); 6] {
    let known = |text: &Option<String>, otherwise: &str| text.clone().unwrap_or(otherwise.to_owned());
    let money = |amount: Option<Usd>, otherwise: &str| amount.map_or(otherwise.to_owned(), dollars);
    let remaining = match &report.limit_reset {
        Some(when) => format!("{} (starts anew {when})", money(report.limit_remaining, UNKNOWN)),
        None => money(report.limit_remaining, "no limit"),
    };
    let free_tier = match report.is_free_tier {
        Some(true) => "yes: the account has never paid",
        Some(false) => "no",
        None => UNKNOWN,
    };
    [
        ("label", known(&report.label, UNKNOWN)),
        ("limit", money(report.limit, "no limit")),
        ("remaining", remaining),
        ("usage", money(report.usage, UNKNOWN)),
        ("free tier", free_tier.to_owned()),
        ("expires", known(&report.expires_at, "never")),
    ]
}
