//! The cases, by group.

/// Declares the cases of a group: the capability that they need, if any, then for each its name, which is
/// that of its function, and its promise, as the method of the trait and the name of the bullet there.
/// `bare` cases are not run behind layers.
macro_rules! cases {
    (@layers) => { true };
    (@layers bare) => { false };
    (@capability) => { None };
    (@capability $capability:ident) => { Some(provider_core::Capability::$capability) };
    ($group:literal $($capability:ident)?; $($name:ident: $promise:literal $($bare:ident)?;)*) => {
        const NEEDS: Option<provider_core::Capability> = cases!(@capability $($capability)?);


        pub(crate) static CASES: &[$crate::cases::Case] = &[$($crate::cases::Case {
            group: $group,
            name: concat!($group, ": ", stringify!($name)),
            promise: $promise,
            capability: NEEDS,
            has_layers: cases!(@layers $($bare)?),
            run: |trial| Box::pin($name(trial)),
        }),*];
    };
}

mod bad_day;
mod descriptor;
mod law;
mod leaving;
mod lists;
mod parallel;
mod said;
mod secrets;
mod sent;
mod settings;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use provider_core::Capability;

use crate::report::{CaseReport, Outcome};
use crate::trial::{Trial, Verdict};

/// A case of the kit: something that a provider has promised, and the test of it.
#[derive(Debug)]
pub struct Case {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) capability: Option<Capability>,
    pub(crate) has_layers: bool,
    pub(crate) run: Run,
}

type Run = for<'t> fn(&'t Trial<'_>) -> Pin<Box<dyn Future<Output = Result<(), Verdict>> + Send + 't>>;

impl Case {
    /// The name: the group and what is tested, as in `law: one_end`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The group: `law`, `bad_day`, `said`, `secrets`, `leaving`, `lists`, `descriptor`, `settings`, `sent`
    /// or `parallel`.
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// The promise: a method of [`LlmProvider`](provider_core::LlmProvider), or `all`, and the name of a
    /// bullet in its documentation, as in `stream: law`.
    pub fn promise(&self) -> &'static str {
        self.promise
    }

    /// The capability that the case needs: it is skipped for a provider without it.
    pub fn capability(&self) -> Option<Capability> {
        self.capability
    }

    pub(crate) fn report(&self, behind_layers: bool, outcome: Outcome, time: Duration) -> CaseReport {
        CaseReport { name: self.name.to_owned(), promise: self.promise, behind_layers, time, outcome }
    }
}

/// Returns the cases, group by group.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let groups = [
        law::CASES,
        bad_day::CASES,
        said::CASES,
        secrets::CASES,
        leaving::CASES,
        lists::CASES,
        descriptor::CASES,
        settings::CASES,
        sent::CASES,
        parallel::CASES,
    ];
    groups.into_iter().flatten()
}
