//! `chat --estimate` and `--max-cost`: what a request may cost, before it is sent.

use std::time::Duration;

use provider_core::{ChatRequest, CostEstimate, Error, ErrorKind, FieldProblem, Model, TimeOfWeek, Usd};
use provider_registry::ModelRef;
use serde::Serialize;
use tokio::time::timeout;

use crate::connect::Host;
use crate::output::number::{UNKNOWN, dollars, grouped};
use crate::output::{Output, StdoutError, text};

/// The longest wait for the list of models, which has the prices.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(10);

/// The cost that a request may have, and the abilities that the model lacks for it.
#[derive(Debug, Serialize)]
pub(crate) struct Estimate {
    model: ModelRef,
    /// The most that it may cost, as far as prices and lengths are known.
    cost: CostEstimate,
    /// Whether everything is priced: without a limit of the answer's tokens it is not.
    is_complete: bool,
    context_length: Option<u64>,
    problems: Vec<FieldProblem>,
}

/// Estimates a request at the prices of the provider's list of models.
///
/// # Errors
/// When there is no list, or it does not have the model.
pub(crate) async fn estimate(
    host: &Host,
    reference: &ModelRef,
    request: &ChatRequest,
) -> Result<Estimate, Error> {
    let listed = listed(host, reference).await?;
    let cost = listed.estimate(request, TimeOfWeek::now());
    Ok(Estimate {
        model: reference.clone(),
        is_complete: cost.is_complete(),
        cost,
        context_length: listed.context_length,
        problems: listed.problems(request),
    })
}

async fn listed(host: &Host, reference: &ModelRef) -> Result<Model, Error> {
    let catalogue = timeout(CATALOGUE_TIMEOUT, host.instance(&reference.provider)?.catalogue()).await;
    let catalogue = catalogue.unwrap_or_else(|_| {
        let message = format!("there was no list of models within {} s", CATALOGUE_TIMEOUT.as_secs());
        Err(Error::new(ErrorKind::Timeout, message).with_provider(&reference.provider))
    })?;
    let found = catalogue.models.iter().find(|model| model.id == reference.model);
    found.cloned().ok_or_else(|| {
        let message = format!("{reference} is not in the list of models, so its price is not known");
        Error::new(ErrorKind::ModelNotFound, message)
    })
}

impl Estimate {
    /// Refuses a request that may cost more than a limit, or whose cost has no known bound.
    ///
    /// # Errors
    /// [`ErrorKind::PaymentRequired`].
    pub(crate) fn check(&self, limit: Usd) -> Result<(), Error> {
        let refused = |problem: String, step: &str| {
            Err(Error::new(ErrorKind::PaymentRequired, problem)
                .with_provider(&self.model.provider)
                .with_model(&self.model.model)
                .with_next_step(step))
        };
        if self.cost.amount > limit {
            let problem =
                format!("it may cost {}, and --max-cost is {}", dollars(self.cost.amount), dollars(limit));
            return refused(problem, "lower --max-tokens, take a cheaper model, or raise --max-cost");
        }
        if !self.is_complete {
            let problem = format!("what it may cost has no known bound: {}", self.unpriced());
            return refused(problem, "give --max-tokens; `--estimate` shows what is priced");
        }
        Ok(())
    }

    /// Tells of what the model lacks, for a request that goes out all the same.
    pub(crate) fn warn(&self, output: Output) {
        for problem in &self.problems {
            let line = format!("{}: {}", problem.field, text::one_line(&problem.problem));
            output.note(&output.err.yellow(line).to_string());
        }
    }

    /// Shows the estimate.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn show(&self, is_json: bool, output: Output) -> Result<(), StdoutError> {
        if is_json {
            return output.write_json(self);
        }
        let bound = if self.is_complete { "at most, roughly" } else { "and more" };
        let mut page = format!("{}: {} {bound}\n", self.model, dollars(self.cost.amount));
        for part in &self.cost.parts {
            page.push_str(&format!(
                "  {:<18} {:>12}  {}\n",
                part.what,
                grouped(part.count),
                dollars(part.amount)
            ));
        }
        if !self.is_complete {
            page.push_str(&format!("  not priced: {}\n", self.unpriced()));
        }
        page.push_str(&format!(
            "  {:<18} {:>12}\n",
            "context",
            self.context_length.map_or(UNKNOWN.to_owned(), grouped)
        ));
        for problem in &self.problems {
            page.push_str(&format!("  {}: {}\n", problem.field, text::one_line(&problem.problem)));
        }
        output.write(&page)
    }

    fn unpriced(&self) -> String {
        let items: Vec<String> =
            self.cost.unpriced.iter().map(|item| format!("{} ({})", item.what, item.why)).collect();
        items.join(", ")
    }
}
