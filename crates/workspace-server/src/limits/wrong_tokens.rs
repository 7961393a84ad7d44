//! The limit of wrong tokens per address: token buckets in a table of fixed size.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

use crate::error::ApiError;
use crate::settings::ServerSettings;

/// How many buckets there are. Addresses whose hashes meet share one; the hash is random, so that nobody
/// chooses with whom.
const BUCKETS: usize = 4096;

/// The buckets of all addresses.
pub(crate) struct WrongTokens {
    /// Wrong tokens that a bucket gains in a second.
    rate: f64,
    /// Those that a full bucket has.
    burst: f64,
    hasher: RandomState,
    buckets: Mutex<Box<[Bucket]>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl WrongTokens {
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let per_minute = f64::from(settings.wrong_tokens_per_minute);
        let burst = (per_minute / 3.0).max(1.0);
        let full = Bucket { left: burst, filled: Instant::now() };
        let buckets = Mutex::new(vec![full; BUCKETS].into_boxed_slice());
        Self { rate: per_minute / 60.0, burst, hasher: RandomState::new(), buckets }
    }

    /// Notes a wrong token of an address.
    ///
    /// # Errors
    /// When there were too many: the same whatever was wrong.
    pub(crate) fn note(&self, address: IpAddr) -> Result<(), ApiError> {
        self.note_at(address, Instant::now())
    }

    fn note_at(&self, address: IpAddr, now: Instant) -> Result<(), ApiError> {
        // The remainder is below the number of buckets, whatever the hash loses as a `usize`.
        let place = self.hasher.hash_one(net(address)) as usize % BUCKETS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = &mut buckets[place];
        let since = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + since * self.rate).min(self.burst);
        bucket.filled = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.left) / self.rate);
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let message = "too many wrong tokens came from this address";
        Err(ApiError {
            retry_after_seconds: Some(seconds),
            ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", message)
        })
    }
}

/// The address; of IPv6 its network of 64 bits, which one client has whole.
fn net(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_of_an_address_empties_and_fills() {
        let wrong = WrongTokens::new(&ServerSettings::new("runs").wrong_tokens_per_minute(30));
        let (one, start) = (IpAddr::from([192, 0, 2, 7]), Instant::now());
        let noted =
            |address: IpAddr, now: Instant| (0..100).filter(|_| wrong.note_at(address, now).is_ok()).count();
        assert_eq!(noted(one, start), 10);
        let mapped = "::ffff:192.0.2.7".parse().expect("an address");
        assert_eq!(noted(mapped, start), 0, "the same address in IPv6");
        assert_eq!(wrong.note_at(one, start).expect_err("empty").retry_after_seconds, Some(3));
        assert_eq!(noted(one, start + Duration::from_secs(4)), 2);
        let (first, second) = ("2001:db8::1".parse().expect("one"), "2001:db8::ffff:2".parse().expect("one"));
        assert_eq!(noted(first, start) + noted(second, start), 10, "one network");
        let others = (1..=255).map(|last| noted(IpAddr::from([198, 51, 100, last]), start)).sum::<usize>();
        assert!(others > 2_000, "a table of {BUCKETS} tells 255 addresses apart: {others}");
    }
}
