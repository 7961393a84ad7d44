//! Amounts of money.

use proptest::prelude::*;
use provider_core::Usd;
use wire_properties::usd;

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn an_amount_is_refused_or_read_exactly(text in "[+-]?[0-9]{0,18}(\\.[0-9]{0,27})?([eE][+-]?[0-9]{1,3})?") {
        usd(text.as_bytes());
    }

    #[test]
    fn sums_are_those_of_integers(a in any::<i64>(), b in any::<i64>(), times in any::<u32>()) {
        // Billionths, so that the sums have places before and behind the point.
        let amount = |number: i128| format!("{number}e-9").parse::<Usd>().expect("an amount");
        let (a, b) = (i128::from(a), i128::from(b));
        prop_assert_eq!(amount(a) + amount(b), amount(a + b));
        prop_assert_eq!(amount(a) - amount(b), amount(a - b));
        prop_assert_eq!(amount(a) < amount(b), a < b);
        let (small, times) = (a % 1_000_000_000, i128::from(times));
        prop_assert_eq!(amount(small) * u64::from(times as u32), amount(small * times));
    }

    #[test]
    fn binary_numbers_are_given_back(number in -1e9..1e9_f64) {
        // With as many digits behind the point as are kept.
        if number.abs() > 1e-6 {
            let amount: Usd = number.to_string().parse().expect("an amount");
            prop_assert_eq!(amount.as_f64(), number);
        }
    }
}
