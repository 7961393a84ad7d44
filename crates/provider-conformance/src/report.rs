//! The report of a run.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The outcome of every case of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The name of the [wire](crate::Wire).
    pub wire: &'static str,
    /// The cases, in the order of [`cases`](crate::cases), those behind the layers last.
    pub cases: Vec<CaseReport>,
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// The name of the case: `law: one_end`.
    pub name: String,
    /// The promise that it tests: the method, and the name of the bullet in its documentation.
    pub promise: &'static str,
    /// Whether the provider was behind the standard layers.
    pub behind_layers: bool,
    /// The time that it took: in JSON `seconds`, as a number.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Whether a promise was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The provider kept the promise.
    Kept,
    /// The provider broke it.
    Broken {
        /// The observation that shows it.
        seen: String,
    },
    /// The case was not run.
    Skipped {
        /// The reason.
        reason: String,
    },
}

impl Report {
    /// Returns the cases that the provider broke.
    pub fn broken(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Broken { .. }))
    }

    /// Panics with a list of the broken cases if there are any: for tests.
    ///
    /// # Panics
    /// When a case was broken.
    #[track_caller]
    pub fn assert_all(&self) {
        assert!(self.broken().next().is_none(), "{self}");
    }

    /// Returns the cases that were not run.
    pub fn skipped(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped { .. }))
    }

    /// Prints the figures, and the cases that were not run.
    #[allow(clippy::print_stdout, reason = "the harness of tests shows it")]
    pub(crate) fn print_figures(&self) {
        println!("{self}");
        self.print_skipped();
    }

    /// Prints the cases that were not run, and why: a test of one passes.
    #[allow(clippy::print_stdout, reason = "the harness of tests shows it")]
    pub(crate) fn print_skipped(&self) {
        self.skipped().for_each(|case| println!("{case}: {}", case.outcome));
    }

    /// Writes the report as a table in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = "| case | promise | outcome |\n|---|---|---|\n".to_owned();
        for case in &self.cases {
            let outcome = case.outcome.to_string().replace('|', "\\|").replace('\n', " ");
            table.push_str(&format!("| {case} | `{}` | {outcome} |\n", case.promise));
        }
        table
    }

    /// Writes the report as JSON: an object with `wire` and `cases`, each with `name`, `promise`,
    /// `behind_layers`, `seconds`, `outcome` (`kept`, `broken`, `skipped`) and `seen` or `reason`.
    pub fn to_json(&self) -> String {
        // Texts and flags alone, and no map: writing them cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// A line of figures, then a line for each broken case. One that fails in the same way behind the layers has
/// one line for both.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |wanted: fn(&Outcome) -> bool| self.cases.iter().filter(|case| wanted(&case.outcome)).count();
        let kept = count(|outcome| *outcome == Outcome::Kept);
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
        write!(f, "{}: {kept} kept, {} broken, {skipped} skipped", self.wire, self.broken().count())?;
        let twin_of = |case: &CaseReport| {
            self.broken().any(|twin| {
                let is_other = twin.behind_layers != case.behind_layers;
                is_other && twin.name == case.name && twin.outcome == case.outcome
            })
        };
        self.broken().try_for_each(|case| match (twin_of(case), case.behind_layers) {
            (true, true) => Ok(()),
            (true, false) => write!(f, "\n{case}, with layers and without: {}", case.outcome),
            (false, _) => write!(f, "\n{case}: {}", case.outcome),
        })
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.behind_layers { f.write_str(", behind layers") } else { Ok(()) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Kept => f.write_str("kept"),
            Outcome::Broken { seen } => write!(f, "**broken**: {seen}"),
            Outcome::Skipped { reason } => write!(f, "skipped: {reason}"),
        }
    }
}
