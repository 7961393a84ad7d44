//! Comparisons that were kept: the list, the report, and its export.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use provider_core::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use workspace_store::{ComparisonCell, ComparisonRecord};

use super::extract::{Ids, Page, Params, page_len};
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, success};
use crate::money;
use crate::state::App;

/// A comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    id: String,
    title: String,
    user: Option<String>,
    created: String,
    /// The figures of its models, in order.
    cells: Vec<Cell>,
}

/// The figures of a model in a comparison.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparisonCell)]
pub(crate) struct Cell {
    label: String,
    provider: Option<String>,
    /// The model that was asked for.
    requested: String,
    /// The model that answered.
    served: Option<String>,
    /// US dollars, exact.
    cost: Option<String>,
    first_output_ms: Option<u64>,
    total_ms: Option<u64>,
    error_kind: Option<String>,
}

impl From<ComparisonCell> for Cell {
    fn from(cell: ComparisonCell) -> Self {
        Self {
            label: cell.label,
            provider: cell.provider,
            requested: cell.requested,
            served: cell.served,
            cost: cell.cost.map(|cost| cost.to_string()),
            first_output_ms: cell.first_output_ms,
            total_ms: cell.total_ms,
            error_kind: cell.error_kind,
        }
    }
}

impl From<ComparisonRecord> for Comparison {
    fn from(record: ComparisonRecord) -> Self {
        Self {
            id: record.id,
            title: record.title,
            user: record.user,
            created: record.created.to_string(),
            cells: record.cells.into_iter().map(Cell::from).collect(),
        }
    }
}

/// A page of comparisons.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The cursor of the page before.
    before: Option<String>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The format of an export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Format {
    /// `json`, `md` or `csv`.
    format: String,
}

/// Lists comparisons, newest first.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/comparisons", operation_id = "list_comparisons",
    params(List), responses((status = 200, body = Envelope<Page<Comparison>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    bearer: Bearer,
    Params(list): Params<List>,
) -> Result<Json<Envelope<Page<Comparison>>>> {
    let len = page_len(list.limit)?;
    let rows = app.store.comparisons(bearer.workspace(), list.before.as_deref(), len + 1).await?;
    let rows = rows.into_iter().map(Comparison::from).collect();
    Ok(success(Page::of(rows, len, |comparison: &Comparison| comparison.id.clone())))
}

/// Shows the report of a comparison, with the answers.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/comparisons/{comparison}",
    operation_id = "show_comparison", responses((status = 200, body = Envelope<Object>)))]
pub(crate) async fn show(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<Value>>> {
    Ok(success(report(&app, &bearer, &ids).await?))
}

/// Exports a comparison.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/comparisons/{comparison}/export",
    operation_id = "export_comparison", params(Format),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn export(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Params(format): Params<Format>,
) -> Result<Response> {
    let report = report(&app, &bearer, &ids).await?;
    let (kind, text) = match format.format.as_str() {
        "json" => ("application/json", serde_json::to_string_pretty(&report).unwrap_or_default()),
        "md" => ("text/markdown; charset=utf-8", table(&report, "| ", " | ", " |\n", true, markdown)),
        "csv" => ("text/csv; charset=utf-8", table(&report, "", ",", "\r\n", false, csv)),
        _ => {
            return Err(ApiError::invalid(vec![FieldProblem::new(
                "format",
                "must be one of: json, md, csv",
            )]));
        }
    };
    let name = format!("attachment; filename=\"comparison.{}\"", format.format);
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

async fn report(app: &App, bearer: &Bearer, ids: &Ids) -> Result<Value> {
    let report = app.store.comparison_report(bearer.workspace(), ids.get("comparison")).await?;
    Ok(money::exact(&report))
}

/// The columns of an export, and the place of each in the JSON of a cell.
const COLUMNS: [(&str, &str); 8] = [
    ("model", "/label"),
    ("requested", "/requested"),
    ("provider", "/provider"),
    ("first output (ms)", "/timings/time_to_first_token_ms"),
    ("total (ms)", "/timings/total_ms"),
    ("cost (USD)", "/response/usage/cost"),
    ("error", "/error/kind"),
    ("answer", "/response/message/text"),
];

fn table(
    report: &Value,
    open: &str,
    between: &str,
    close: &str,
    has_rule: bool,
    write: impl Fn(&str) -> String,
) -> String {
    let mut text = String::new();
    let mut line = |words: Vec<String>| {
        // Writing to a text does not fail.
        let _ = write!(text, "{open}{}{close}", words.join(between));
    };
    line(COLUMNS.iter().map(|(title, _)| write(title)).collect());
    if has_rule {
        line(COLUMNS.iter().map(|_| "---".to_owned()).collect());
    }
    for cell in report["cells"].as_array().into_iter().flatten() {
        let word = |place: &str| match cell.pointer(place) {
            Some(Value::String(word)) => word.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        line(COLUMNS.iter().map(|(_, place)| write(&word(place))).collect());
    }
    text
}

fn markdown(word: &str) -> String {
    word.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// A field of CSV. One that a spreadsheet would take for a formula begins with an apostrophe.
fn csv(word: &str) -> String {
    let guard = if word.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", word.replace('"', "\"\""))
}
