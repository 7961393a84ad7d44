//! The properties of `tests/properties`, tried on the stored corpus of the fuzz targets and on made-up input
//! of a likely shape.
//!
//! The same cases every time; for others:
//! `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=7 cargo test -p provider-tests --test generated`.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod bodies;
mod corpus;
mod errors;
mod headers;
mod money;
mod references;
mod repeats;
mod settings;
mod streams;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// The same cases every time, unless the environment says otherwise.
fn cases() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = if given.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { given.rng_seed };
    ProptestConfig { rng_seed, failure_persistence: None, ..given }
}
