//! Times, and runs the contest.

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    peer_bench::run(None)
}
