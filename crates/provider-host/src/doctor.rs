//! `doctor`: looks at all that a request needs, says what is wrong, and what to do about it.

mod machine;
mod service;

use provider_core::Error;
use serde::Serialize;

use crate::cli::{ConnectArgs, DoctorArgs};
use crate::connect::Host;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::output::progress::Progress;
use crate::output::table::{Look, Table};
use crate::{diagnostics, wording};

/// One look at one thing.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    /// The id that a provider is connected under, if the check is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    result: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
    /// The exit code of a fault.
    #[serde(skip)]
    exit: Exit,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It may be as it should be, or may not.
    Warning,
    /// Requests fail because of it.
    Fault,
    /// It could not be looked at.
    Skipped,
}

#[derive(Serialize)]
struct Report<'a> {
    healthy: bool,
    checks: &'a [Check],
}

/// Runs the command.
pub(crate) async fn run(args: &DoctorArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let environment = Environment::of_this_program();
    let mut checks = Vec::new();
    let host = match Host::open(connect, output).await {
        Ok(host) => Some(host),
        Err(Failure::Provider(error)) => {
            checks.extend(of_settings(&error));
            None
        }
        // Flags that are wrong are no matter of this machine.
        Err(other) => return Err(other),
    };
    if let Some(host) = &host {
        checks.extend(machine::settings(host, &environment));
        for (id, error) in host.unready() {
            checks.extend(of_settings(error).into_iter().map(|check| check.of(id)));
        }
    }
    checks.extend(machine::proxies(&environment));
    checks.push(machine::certificates(&environment));
    if let Some(host) = &host {
        let progress = Progress::new(output, "asking the services");
        checks.extend(progress.during(service::checks(host, args.timeout)).await);
    }
    checks.extend(machine::data(args.data.as_deref(), connect.kept.data()));

    let fault = checks.iter().find(|check| check.result == Verdict::Fault);
    if args.json {
        output.write_json(&Report { healthy: fault.is_none(), checks: &checks })?;
    } else {
        output.write(&table(&checks).render(output.columns, output.out))?;
        let verdict = match (fault, checks.iter().any(|check| check.result == Verdict::Warning)) {
            (Some(_), _) => output.err.red("something is wrong").to_string(),
            (None, true) => output.err.yellow("nothing is wrong, but look at the warnings").to_string(),
            (None, false) => output.err.green("all is well").to_string(),
        };
        output.note(&verdict);
    }
    fault.map_or(Ok(()), |check| Err(Failure::Told(check.exit)))
}

impl Check {
    fn new(name: &'static str, result: Verdict, detail: impl Into<String>) -> Self {
        Self { name, provider: None, result, detail: detail.into(), next_step: None, exit: Exit::Failed }
    }

    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, detail)
    }

    fn warning(name: &'static str, detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warning, detail).then(next_step)
    }

    fn fault(name: &'static str, detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fault, detail).then(next_step)
    }

    /// The fault that an error is.
    fn failed(name: &'static str, error: &Error) -> Self {
        let fault = Self::new(name, Verdict::Fault, diagnostics::sentence(error));
        Self { next_step: diagnostics::hint(error), exit: error.kind().into(), ..fault }
    }

    fn of(self, provider: &str) -> Self {
        Self { provider: Some(provider.to_owned()), ..self }
    }

    fn then(self, next_step: impl Into<String>) -> Self {
        Self { next_step: Some(next_step.into()), ..self }
    }
}

/// The faults of settings with which no provider can be connected: one for each setting.
fn of_settings(error: &Error) -> Vec<Check> {
    let next_step = diagnostics::hint(error);
    let exit = error.kind().into();
    if error.fields().is_empty() {
        return vec![Check::failed("settings", error)];
    }
    let of_field = |field: &provider_core::FieldProblem| {
        let detail = format!("{}: {}", field.field, wording::plain(&field.problem));
        Check { next_step: next_step.clone(), exit, ..Check::new("settings", Verdict::Fault, detail) }
    };
    error.fields().iter().map(of_field).collect()
}

fn table(checks: &[Check]) -> Table {
    let mut table = Table::new().left("CHECK").left("RESULT").left("DETAIL");
    for check in checks {
        let name = match &check.provider {
            Some(provider) => format!("{provider}: {}", check.name),
            None => check.name.to_owned(),
        };
        table.row([name, check.result.word().to_owned(), check.detail.clone()]);
        if let Some(next_step) = &check.next_step {
            let look = if check.result == Verdict::Fault { Look::Wrong } else { Look::Plain };
            table.below(next_step, look);
        }
    }
    table
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Fault => "fault",
            Verdict::Skipped => "skipped",
        }
    }
}
