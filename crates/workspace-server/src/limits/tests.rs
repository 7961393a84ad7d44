use super::*;

fn limits(per_minute: u32, open: usize) -> Limits {
    let settings = ServerSettings::new("runs");
    Limits::new(&settings.requests_per_minute(per_minute).max_open_requests_per_token(open))
}

/// How many of 1,000 requests at this moment are taken, each closed at once.
fn taken(limits: &Limits, token: &str, now: Instant) -> usize {
    (0..1_000).filter(|_| limits.enter_at(token, now).is_ok()).count()
}

#[test]
fn bucket_gives_a_sixth_at_once_and_fills_with_time() {
    let limits = limits(60, 10);
    let start = Instant::now();
    assert_eq!(taken(&limits, "a", start), 10);
    assert_eq!(taken(&limits, "b", start), 10, "each token has its own");
    assert_eq!(taken(&limits, "a", start + Duration::from_secs(3)), 3);
    assert_eq!(taken(&limits, "a", start + Duration::from_secs(600)), 10);
    let mut in_a_minute = 0;
    for tenth in 0..600 {
        in_a_minute += taken(&limits, "c", start + Duration::from_millis(tenth * 100));
    }
    assert!((69..=70).contains(&in_a_minute), "{in_a_minute}");
}

#[test]
fn refusal_says_when_the_next_is_taken() {
    let limits = limits(6, 10);
    let start = Instant::now();
    assert!(limits.enter_at("a", start).is_ok());
    let Some(Limited::Rate(wait)) = limits.enter_at("a", start).err() else { panic!("taken") };
    assert!((9.9..10.1).contains(&wait.as_secs_f64()), "{wait:?}");
    assert!(limits.enter_at("a", start + wait + Duration::from_millis(1)).is_ok());
    let error = ApiError::from(Limited::Rate(Duration::from_millis(9_500)));
    assert_eq!((error.status, error.retry_after_seconds), (StatusCode::TOO_MANY_REQUESTS, Some(10)));
}

#[test]
fn open_requests_are_counted_until_they_are_dropped() {
    let limits = limits(60_000, 2);
    let first = limits.enter("a").expect("taken");
    let second = limits.enter("a").expect("taken");
    assert_eq!(limits.enter("a").err(), Some(Limited::Open(2)));
    assert!(limits.enter("b").is_ok());
    drop(first.clone());
    assert_eq!(limits.enter("a").err(), Some(Limited::Open(2)), "a clone is the same request");
    drop(first);
    let third = limits.enter("a").expect("taken");
    assert_eq!(limits.enter("a").err(), Some(Limited::Open(2)));
    drop((second, third));
}

#[test]
fn tokens_that_use_nothing_are_forgotten() {
    let limits = limits(60, 10);
    let start = Instant::now();
    let held = limits.enter_at("held", start).expect("taken");
    for token in 0..5_000_u64 {
        let _ = limits.enter_at(&token.to_string(), start + Duration::from_secs(token));
    }
    assert!(lock(&limits.tokens).len() <= SWEEP_ABOVE + 1);
    assert!(lock(&limits.tokens).contains_key("held"));
    drop(held);
}
