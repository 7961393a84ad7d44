//! Budgets of a workspace.

use axum::Json;
use axum::extract::State;
use provider_core::FieldProblem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use workspace_store::{Amount, BudgetRecord, Period, Scope};

use super::extract::{Body, Ids, Page, Params, money, page_len};
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// A budget.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budget {
    id: String,
    scope: BudgetScope,
    limit: BudgetAmount,
    period: BudgetPeriod,
    /// The bills of this period so far.
    spent: BudgetAmount,
    /// The estimates of calls that are under way.
    reserved: BudgetAmount,
    /// The part of the limit that is neither spent nor reserved.
    left: BudgetAmount,
    /// The end of this period, RFC 3339; `null` for a budget of all time.
    resets: Option<String>,
    /// The number of the last change, which the next change names.
    revision: i64,
}

/// The calls that a budget counts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "scope", content = "id", try_from = "GivenScope")]
pub(crate) enum BudgetScope {
    /// All calls of the workspace.
    Workspace,
    /// Those of an agent node.
    Node(String),
    /// Those of a user.
    User(String),
    /// Those with an API token, by its id.
    Token(String),
    /// Those of each agent node on its own: each has the limit for itself.
    EachNode,
    /// Those of each user on their own.
    EachUser,
    /// Those with each API token on its own.
    EachToken,
    /// Others, which this version of the API does not know.
    #[serde(skip_deserializing)]
    Other,
}

/// A scope as a request has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenScope {
    scope: String,
    id: Option<String>,
}

impl TryFrom<GivenScope> for BudgetScope {
    type Error = String;

    /// The words of an error say what is expected, as those of serde do.
    fn try_from(given: GivenScope) -> Result<Self, String> {
        Ok(match (given.scope.as_str(), given.id) {
            ("node", Some(id)) => BudgetScope::Node(id),
            ("user", Some(id)) => BudgetScope::User(id),
            ("token", Some(id)) => BudgetScope::Token(id),
            ("workspace", None) => BudgetScope::Workspace,
            ("each_node", None) => BudgetScope::EachNode,
            ("each_user", None) => BudgetScope::EachUser,
            ("each_token", None) => BudgetScope::EachToken,
            ("node" | "user" | "token", None) => return Err(format!("expected the id of a {}", given.scope)),
            ("workspace" | "each_node" | "each_user" | "each_token", Some(_)) => {
                return Err(format!("expected no id beside {}", given.scope));
            }
            _ => {
                let words = "one of: workspace, node, user, token, each_node, each_user, each_token";
                return Err(format!("expected {words}"));
            }
        })
    }
}

/// An amount: one of its two fields.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "GivenAmount")]
pub(crate) enum BudgetAmount {
    /// US dollars, exact: `"2.50"`.
    Usd(String),
    /// Requests.
    Requests(u64),
}

/// An amount as a request has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenAmount {
    usd: Option<String>,
    requests: Option<u64>,
}

impl TryFrom<GivenAmount> for BudgetAmount {
    type Error = &'static str;

    fn try_from(given: GivenAmount) -> Result<Self, &'static str> {
        match (given.usd, given.requests) {
            (Some(usd), None) => Ok(BudgetAmount::Usd(usd)),
            (None, Some(requests)) => Ok(BudgetAmount::Requests(requests)),
            (Some(_), Some(_)) => Err("expected one of usd and requests, and both are set"),
            (None, None) => Err("expected one of usd and requests, and neither is set"),
        }
    }
}

/// The time in which a budget may be spent before it begins anew.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BudgetPeriod {
    Day,
    Week,
    Month,
    /// All time.
    Total,
}

impl From<Amount> for BudgetAmount {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Requests(count) => BudgetAmount::Requests(count),
            Amount::Usd(amount) => BudgetAmount::Usd(amount.to_string()),
            // A unit of a later store: its text says which.
            other => BudgetAmount::Usd(other.to_string()),
        }
    }
}

/// The most of a budget, in US dollars: what the store counts in billionths.
const MAX_USD: &str = "1000000000";

/// The first number of requests that the store does not count.
const MAX_REQUESTS: u64 = 1_000_000_000_000_000_000;

impl BudgetAmount {
    fn read(&self) -> Result<Amount> {
        let too_much = |field: &str, most: &str| {
            Err(ApiError::invalid(vec![FieldProblem::new(field, format!("must be at most {most}"))]))
        };
        match self {
            BudgetAmount::Usd(text) => match money("limit.usd", text)? {
                // The text is an amount.
                amount if amount > MAX_USD.parse().unwrap_or(amount) => too_much("limit.usd", "a billion"),
                amount => Ok(Amount::Usd(amount)),
            },
            BudgetAmount::Requests(MAX_REQUESTS..) => too_much("limit.requests", "10^18 - 1"),
            BudgetAmount::Requests(count) => Ok(Amount::Requests(*count)),
        }
    }
}

impl From<BudgetRecord> for Budget {
    fn from(record: BudgetRecord) -> Self {
        let left = record.left().into();
        Self {
            id: record.id,
            scope: match record.scope {
                Scope::Workspace => BudgetScope::Workspace,
                Scope::Node(id) => BudgetScope::Node(id),
                Scope::User(id) => BudgetScope::User(id),
                Scope::Token(id) => BudgetScope::Token(id),
                Scope::EachNode => BudgetScope::EachNode,
                Scope::EachUser => BudgetScope::EachUser,
                Scope::EachToken => BudgetScope::EachToken,
                _ => BudgetScope::Other,
            },
            limit: record.limit.into(),
            period: match record.period {
                Period::Day => BudgetPeriod::Day,
                Period::Week => BudgetPeriod::Week,
                Period::Month => BudgetPeriod::Month,
                _ => BudgetPeriod::Total,
            },
            spent: record.spent.into(),
            reserved: record.reserved.into(),
            left,
            resets: record.resets.map(|moment| moment.to_string()),
            revision: record.revision,
        }
    }
}

/// A budget to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBudget)]
pub(crate) struct Create {
    scope: BudgetScope,
    limit: BudgetAmount,
    period: BudgetPeriod,
}

/// The longest id of a scope, in characters.
const MAX_ID: usize = 200;

/// Another limit for a budget, in its own unit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BudgetChange)]
pub(crate) struct Change {
    /// The revision that was read.
    revision: i64,
    limit: BudgetAmount,
}

/// Lists the budgets of the workspace.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/budgets", operation_id = "list_budgets",
    responses((status = 200, body = Envelope<Vec<Budget>>)))]
pub(crate) async fn list(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<Vec<Budget>>>> {
    let budgets = app.store.budgets(bearer.workspace()).await?;
    Ok(success(budgets.into_iter().map(Budget::from).collect()))
}

/// Adds a budget.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/budgets", operation_id = "add_budget",
    request_body = Create, responses((status = 200, body = Envelope<Budget>)))]
pub(crate) async fn add(
    State(app): State<App>,
    bearer: Bearer,
    Body(new): Body<Create>,
) -> Result<Json<Envelope<Budget>>> {
    if let BudgetScope::Node(id) | BudgetScope::User(id) | BudgetScope::Token(id) = &new.scope
        && !(1..=MAX_ID).contains(&id.chars().count())
    {
        let problem = format!("must have 1 to {MAX_ID} characters");
        return Err(ApiError::invalid(vec![FieldProblem::new("scope.id", problem)]));
    }
    let scope = match new.scope {
        BudgetScope::Workspace => Scope::Workspace,
        BudgetScope::Node(id) => Scope::Node(id),
        BudgetScope::User(id) => Scope::User(id),
        BudgetScope::Token(id) => Scope::Token(id),
        BudgetScope::EachNode => Scope::EachNode,
        BudgetScope::EachUser => Scope::EachUser,
        BudgetScope::EachToken => Scope::EachToken,
        BudgetScope::Other => {
            let problem = FieldProblem::new(
                "scope",
                "must be one of: workspace, node, user, token, each_node, each_user, each_token",
            );
            return Err(ApiError::invalid(vec![problem]));
        }
    };
    let period = match new.period {
        BudgetPeriod::Day => Period::Day,
        BudgetPeriod::Week => Period::Week,
        BudgetPeriod::Month => Period::Month,
        BudgetPeriod::Total => Period::Total,
    };
    let (workspace, limit) = (bearer.workspace(), new.limit.read()?);
    Ok(success(app.store.add_budget(workspace, scope, limit, period, &bearer.actor()).await?.into()))
}

/// Shows a budget.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/budgets/{budget}", operation_id = "show_budget",
    responses((status = 200, body = Envelope<Budget>)))]
pub(crate) async fn show(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<Budget>>> {
    Ok(success(app.store.budget(bearer.workspace(), ids.get("budget")).await?.into()))
}

/// A page of shares.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Shares {
    /// The cursor of the page before.
    after: Option<String>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lists the shares of a budget of each node, user or token: who has spent how much of it. One who has not
/// called in this period may be missing.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/budgets/{budget}/shares",
    operation_id = "list_budget_shares", params(Shares), responses((status = 200, body = Envelope<Page<Budget>>)))]
pub(crate) async fn shares(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Params(given): Params<Shares>,
) -> Result<Json<Envelope<Page<Budget>>>> {
    let (workspace, id, len) = (bearer.workspace(), ids.get("budget"), page_len(given.limit)?);
    app.store.budget(workspace, id).await?;
    let after = given.after.unwrap_or_default();
    let shares = app.store.budget_shares(workspace, id, &after, len + 1).await?;
    let page = Page::of(shares, len, |share| match &share.scope {
        Scope::Node(id) | Scope::User(id) | Scope::Token(id) => id.clone(),
        _ => String::new(),
    });
    let items = page.items.into_iter().map(Budget::from).collect();
    Ok(success(Page { items, next: page.next }))
}

/// Changes the limit of a budget.
#[utoipa::path(patch, path = "/api/v1/workspaces/{workspace}/budgets/{budget}",
    operation_id = "change_budget", request_body = Change,
    responses((status = 200, body = Envelope<Budget>)))]
pub(crate) async fn change(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Body(change): Body<Change>,
) -> Result<Json<Envelope<Budget>>> {
    let (workspace, id, limit) = (bearer.workspace(), ids.get("budget"), change.limit.read()?);
    let changed = app.store.change_budget(workspace, id, change.revision, limit, &bearer.actor()).await?;
    Ok(success(changed.into()))
}

/// Removes a budget.
#[utoipa::path(delete, path = "/api/v1/workspaces/{workspace}/budgets/{budget}",
    operation_id = "remove_budget", responses((status = 200, body = Envelope<Option<String>>)))]
pub(crate) async fn remove(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<()>>> {
    app.store.remove_budget(bearer.workspace(), ids.get("budget"), &bearer.actor()).await?;
    Ok(success(()))
}
