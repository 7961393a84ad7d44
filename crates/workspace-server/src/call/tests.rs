use provider_core::Usage;

use super::Bill;

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
