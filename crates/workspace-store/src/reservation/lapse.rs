//! Reservations of hosts that are not heard of any more.

use super::MAX_AGE_MS;
use super::claim::Hold;
use crate::error::Result;
use crate::store::Inner;

/// Renews the reservations of this host, which is alive.
pub(crate) async fn renew(inner: &Inner) -> Result<()> {
    let now = inner.clock.now();
    let sql = "UPDATE reservations SET expires = $1 WHERE host = $2 AND created > $3 AND lapsed = 0";
    let query = sqlx::query(sql).bind(now + inner.lease_ms()).bind(&inner.host).bind(now - MAX_AGE_MS);
    query.execute(&inner.database.write).await?;
    Ok(())
}

/// Gives back what hosts have reserved that are not heard of any more, and returns how many calls that were.
pub(crate) async fn lapse(inner: &Inner) -> Result<u64> {
    let mut count = 0;
    loop {
        let now = inner.clock.now();
        let sql = "SELECT id FROM reservations WHERE expires <= $1 AND lapsed = 0 ORDER BY id LIMIT 100";
        let ids: Vec<String> = sqlx::query_scalar(sql).bind(now).fetch_all(&inner.database.read).await?;
        if ids.is_empty() {
            return Ok(count);
        }
        for id in ids {
            let mut tx = inner.database.begin().await?;
            let sql = "UPDATE reservations SET lapsed = 1 WHERE id = $1 AND expires <= $2 AND lapsed = 0 \
                       RETURNING holds";
            let query = sqlx::query_scalar::<_, String>(sql).bind(&id).bind(now);
            let holds = query.fetch_optional(&mut *tx).await?;
            count += u64::from(holds.is_some());
            let holds = holds.map(|holds| serde_json::from_str::<Vec<Hold>>(&holds).unwrap_or_default());
            for hold in holds.unwrap_or_default() {
                let sql = "UPDATE budgets SET reserved = reserved - $1 WHERE id = $2 AND period_end = $3";
                let query = sqlx::query(sql).bind(hold.units).bind(&hold.budget).bind(hold.period_end);
                query.execute(&mut *tx).await?;
            }
            tx.commit().await?;
        }
    }
}

/// How long the bill of a lapsed reservation may still come.
const LATE_BILL_MS: i64 = 24 * 60 * 60 * 1000;

/// Drops lapsed reservations whose bill comes no more, and shares whose period was over a day ago: the next
/// call makes them anew.
pub(crate) async fn prune(inner: &Inner) -> Result<()> {
    let before = inner.clock.now() - LATE_BILL_MS;
    let reservations = "DELETE FROM reservations WHERE id IN \
                        (SELECT id FROM reservations WHERE lapsed = 1 AND expires <= $1 LIMIT 500)";
    inner.delete_in_steps(reservations, before).await?;
    let shares = "DELETE FROM budgets WHERE id IN \
                  (SELECT id FROM budgets WHERE parent IS NOT NULL AND period_end <= $1 AND reserved = 0 LIMIT 500)";
    inner.delete_in_steps(shares, before).await
}
