//! The claim of a call on its budgets, and the verdict on it.

use serde::{Deserialize, Serialize};

use super::memory::AboutBudgets;
use super::{BudgetRefusal, Call};
use crate::budget::{Counted, Scope, units_of};
use crate::error::Result;
use crate::key::{SealError, hex};
use crate::store::Inner;
use crate::time::PeriodEnds;

/// A reservation that a call asks for.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The id that the reservation is to have, known before it is sent, so that it can be given back whatever
    /// becomes of the answer.
    pub(super) id: String,
    pub(super) call: Call,
    /// The estimate, in billionths of a dollar.
    pub(super) usd: i64,
    pub(super) now: i64,
    pub(super) expires: i64,
    pub(super) ends: PeriodEnds,
    /// The budgets of each user, node or token that the call must have a share of.
    pub(super) shared: Vec<String>,
}

/// The database's word on a claim.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is reserved.
    Held,
    /// No budget counts the call.
    Uncounted,
    /// The call has no share yet of a budget that it must have one of.
    NoShare,
    /// A budget has not enough left.
    Refused(Box<BudgetRefusal>),
}

/// The part of a reservation that is in one budget. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) budget: String,
    /// The unit, which says whether `usd` or `requests` of a settlement is spent.
    pub(super) unit: String,
    pub(super) units: i64,
    pub(super) period_end: i64,
}

impl Claim {
    pub(super) fn new(inner: &Inner, call: &Call, about: &AboutBudgets) -> Result<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| SealError::NotSealed)?;
        let now = inner.clock.now();
        let shared = about.each.iter().filter(|(_, scope)| call.share_of(scope).is_some());
        Ok(Self {
            id: hex(&id),
            call: call.clone(),
            usd: units_of(call.estimate),
            now,
            expires: now.saturating_add(inner.lease_ms()),
            ends: PeriodEnds::of(now, about.zone.clone()),
            shared: shared.map(|(budget, _)| budget.clone()).collect(),
        })
    }

    /// The units that it asks of a budget, or of a share of one.
    fn units(&self, counted: &Counted) -> i64 {
        if counted.unit() == "usd" { self.usd } else { 1 }
    }

    /// Whether a budget, or a share of one, counts the call.
    pub(super) fn counts_in(&self, counted: &Counted) -> bool {
        let Call { workspace, node, user, token, .. } = &self.call;
        let is_same = |id: &String, asked: &Option<String>| asked.as_ref() == Some(id);
        counted.workspace == *workspace
            && counted.scope.as_ref().is_some_and(|scope| match scope {
                Scope::Workspace => true,
                Scope::Node(id) => is_same(id, node),
                Scope::User(id) => is_same(id, user),
                Scope::Token(id) => is_same(id, token),
                Scope::EachNode | Scope::EachUser | Scope::EachToken => false,
            })
    }

    /// The reason why it cannot be held in these budgets and shares: all that count it, as they are now and
    /// in the order of their ids.
    pub(super) fn objection(&self, counted: &[Counted]) -> Option<Verdict> {
        let has_share = |budget: &String| counted.iter().any(|one| one.parent.as_ref() == Some(budget));
        if !self.shared.iter().all(has_share) {
            return Some(Verdict::NoShare);
        }
        if counted.is_empty() {
            return Some(Verdict::Uncounted);
        }
        let full = counted.iter().find(|one| !one.has_room(self.units(one)))?;
        let budget = full.record();
        let (asked, left) = (budget.limit.with_units(self.units(full)), budget.left());
        let resets = budget.resets;
        Some(Verdict::Refused(Box::new(BudgetRefusal { budget, asked, left, resets })))
    }

    /// The part of it in a budget, or in a share of one.
    pub(super) fn hold(&self, counted: &Counted) -> Hold {
        Hold {
            budget: counted.row_id.clone(),
            unit: counted.unit().to_owned(),
            units: self.units(counted),
            period_end: counted.period_end,
        }
    }
}
