use provider_core::{Catalogue, ChatRequest, Usage, Usd};

use super::{Bill, estimate};

#[test]
fn bill_has_the_upstream_charge_for_a_key_of_ones_own() {
    let mut usage = Usage::default();
    assert_eq!(Bill::of(&usage), Bill::Unknown);
    usage.cost = "0.001".parse().ok();
    usage.upstream_cost = "0.02".parse().ok();
    assert_eq!(Bill::of(&usage), Bill::Known("0.001".parse().unwrap()), "the service's price has it in it");
    usage.is_byok = Some(true);
    assert_eq!(Bill::of(&usage), Bill::Known("0.021".parse().unwrap()));
    usage.upstream_cost = None;
    assert_eq!(Bill::of(&usage), Bill::Unknown, "the estimate stands");
}

#[test]
fn request_is_free_where_nobody_bills_and_at_least_unlisted_without_a_price() {
    let (request, unlisted) = (ChatRequest::new("some"), "0.05".parse().unwrap());
    let unknown = Catalogue::new(Vec::new(), None);
    assert_eq!(estimate(None, "some", &request, unlisted), unlisted);
    assert_eq!(estimate(Some(&unknown), "some", &request, unlisted), unlisted);
    assert_eq!(estimate(Some(&unknown.not_billed()), "some", &request, unlisted), Usd::ZERO);
}
