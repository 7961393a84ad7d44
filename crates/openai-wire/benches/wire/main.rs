//! The cost of reading and writing chat completions, without HTTP.
//!
//! * `decode`: frames to events and to the answer. A cost for every piece of an answer, so it bounds how many
//!   streams a core can read at once; for a large image it bounds how long other streams of the same core
//!   wait.
//! * `encode`: a request to bytes. Long conversations are sent again with every turn, and images go with
//!   them.
//!
//! ```sh
//! cargo bench -p openai-wire --bench wire
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

mod decode;
mod encode;
mod fixtures;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    decode::benches(&mut criterion);
    encode::benches(&mut criterion);
    criterion.final_summary();
}
