//! Finds numbers of a request that no model takes.

use super::{ChatRequest, Parameter, ParameterRef};
use crate::FieldProblem;

/// The problem of a number that JSON does not have.
pub const NOT_FINITE: &str = "must be a finite number: JSON has no NaN and no infinity";

/// Returns a problem for each number of a request that is not finite, or outside of its
/// [range](Parameter::range), which holds for every model of every service. An encoder refuses a request with
/// such problems; [`refuse_all_but`](super::refuse_all_but) does not look at them.
///
/// ```
/// use provider_core::ChatRequest;
/// use provider_core::author::range_problems;
///
/// let request = ChatRequest::new("m").user("Hi").temperature(3.0).top_p(f64::NAN).seed(7);
/// let problems = range_problems(&request);
/// assert_eq!((&*problems[0].field, &*problems[0].problem), ("temperature", "is 3, but must be at most 2"));
/// assert_eq!(problems[1].field, "top_p");
/// assert_eq!(problems.len(), 2);
/// ```
pub fn range_problems(request: &ChatRequest) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    for Parameter { name, value, range } in request.parameters() {
        let mut check = |field: &str, number: f64| {
            let problem = match &range {
                _ if !number.is_finite() => NOT_FINITE.to_owned(),
                Some(range) if number < *range.start() => {
                    format!("is {number}, but must be at least {}", range.start())
                }
                Some(range) if number > *range.end() => {
                    format!("is {number}, but must be at most {}", range.end())
                }
                _ => return,
            };
            problems.push(FieldProblem::new(field, problem));
        };
        match value {
            ParameterRef::Number(number) => check(name, number),
            ParameterRef::Integer(number) => check(name, number as f64),
            ParameterRef::NumberMap(numbers) => {
                numbers.iter().for_each(|(key, number)| check(&format!("{name}.{key}"), *number));
            }
            _ => {}
        }
    }
    problems
}
