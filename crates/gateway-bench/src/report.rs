//! Numbers of rounds, as medians and as ratios to the first gateway.

use std::time::Duration;

/// The value below which this share of the sorted values lies.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get(((sorted.len() as f64 * share) as usize).min(last)).copied().unwrap_or_default()
}

/// The middle value.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// A line of a Markdown table: the medians of each column, and their ratio to the floor of the same round.
pub(crate) fn row(name: &str, rounds: &[Vec<f64>], floor: Option<&[Vec<f64>]>) -> String {
    let mut line = format!("| {name} |");
    for column in 0..rounds.first().map_or(0, Vec::len) {
        let values: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
        let ratios = floor.into_iter().flatten().zip(&values).map(|(floor, value)| value / floor[column]);
        match (median(values.clone()), median(ratios.collect())) {
            // Not measured: the process is not known.
            (value, _) if value.is_nan() => line += " -",
            (value, ratio) if ratio.is_finite() => line += &format!(" {value:.1} ({ratio:.2}x)"),
            (value, _) => line += &format!(" {value:.1}"),
        }
        line += " |";
    }
    line
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1_000.0
}
