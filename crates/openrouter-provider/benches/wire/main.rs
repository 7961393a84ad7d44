//! The cost of reading and writing the wire, without a socket: this crate's own share of every call.
//!
//! * `sse`: bytes to frames. A cost for every byte of every stream.
//! * `decode`: bytes to events and to the answer, by the whole client. A cost for every piece of an answer,
//!   so it bounds how many streams a core can read at once; for a large image it bounds how long other
//!   streams of the same core wait.
//! * `encode`: a request to bytes. Long conversations are sent again with every turn, and images go with
//!   them.
//! * `catalogue`: a list of models, which a host reads every few minutes.
//!
//! ```sh
//! cargo bench -p openrouter-provider --bench wire
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

mod catalogue;
mod decode;
mod encode;
mod fixtures;
mod sse;

use std::time::Duration;

use criterion::Criterion;
use http::Response;
use openrouter_provider::OpenRouter;
use provider_http::{Body, HttpClient, transport_fn};

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    sse::benches(&mut criterion);
    decode::benches(&mut criterion);
    encode::benches(&mut criterion);
    catalogue::benches(&mut criterion);
    criterion.final_summary();
}

/// A client whose transport has the answer at hand: pieces of a body of this content type.
fn client(content_type: &'static str, pieces: Vec<Vec<u8>>) -> OpenRouter {
    let transport = transport_fn(move |_| {
        let mut response = Response::new(Body::from_pieces(pieces.clone()));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
        async move { Ok(response) }
    });
    let builder = OpenRouter::builder().api_key("sk-or-v1-0a1b2c3d").base_url("http://127.0.0.1:9/api/v1");
    builder.http_client(HttpClient::from_transport(transport)).build().expect("good settings")
}
