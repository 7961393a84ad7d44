//! Reserving and settling in PostgreSQL: one statement each, and so one round trip and one transaction.

use sqlx::{FromRow as _, Row as _};

use super::Settlement;
use super::claim::{Claim, Verdict};
use crate::budget::{Counted, MAX_UNITS, Row};
use crate::database::Database;
use crate::error::Result;

/// Locks the budgets of a call in the order of their ids, so that two calls do not wait for each other, and
/// raises their counters if they all have enough left. Returns them as they were before.
const RESERVE: &str = "\
    WITH found AS ( \
        SELECT id, parent, workspace, scope, scope_id, unit, amount, period, \
            CASE WHEN period_end <= $1 THEN 0 ELSE spent END AS spent, \
            CASE WHEN period_end <= $1 THEN 0 ELSE reserved END AS reserved, \
            CASE WHEN period_end > $1 THEN period_end WHEN period = 'day' THEN $3 \
                WHEN period = 'week' THEN $4 ELSE $5 END AS period_end, \
            revision, CASE unit WHEN 'usd' THEN $2 ELSE 1 END AS asked \
        FROM budgets WHERE workspace = $6 AND (scope = 'workspace' OR scope = 'node' AND scope_id = $7 \
            OR scope = 'user' AND scope_id = $8 OR scope = 'token' AND scope_id = $9) \
        ORDER BY id FOR UPDATE \
    ), verdict AS ( \
        SELECT count(*) > 0 AND coalesce(bool_and(spent + reserved + asked <= amount), FALSE) \
            AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text($10::jsonb) AS needed (budget) \
                WHERE needed.budget NOT IN (SELECT parent FROM found WHERE parent IS NOT NULL)) AS fits \
        FROM found \
    ), raised AS ( \
        UPDATE budgets SET spent = found.spent, reserved = found.reserved + found.asked, \
            period_end = found.period_end \
        FROM found, verdict WHERE verdict.fits AND budgets.id = found.id \
    ), held AS ( \
        INSERT INTO reservations (id, host, created, expires, lapsed, holds) \
        SELECT $11, $12, $1, $13, 0, json_agg(json_build_object('budget', found.id, 'unit', found.unit, \
            'units', found.asked, 'period_end', found.period_end) ORDER BY found.id)::text \
        FROM found, verdict WHERE verdict.fits HAVING count(*) > 0 \
    ) \
    SELECT found.id, parent, workspace, scope, scope_id, unit, amount, period, spent, reserved, period_end, \
        revision, verdict.fits FROM found, verdict ORDER BY found.id";

pub(super) async fn reserve(database: &Database, host: &str, claim: &Claim) -> Result<Verdict> {
    let Claim { id, call, usd, now, expires, ends, shared } = claim;
    let query = sqlx::query(RESERVE).bind(*now).bind(*usd).bind(ends.day).bind(ends.week).bind(ends.month);
    let query = query.bind(&call.workspace).bind(&call.node).bind(&call.user).bind(&call.token);
    // A list of texts is always JSON.
    let query = query.bind(serde_json::to_string(shared).unwrap_or_default()).bind(id).bind(host);
    let rows = query.bind(*expires).fetch_all(&database.write).await?;
    if rows.first().map(|row| row.try_get::<bool, _>("fits")).transpose()? == Some(true) {
        return Ok(Verdict::Held);
    }
    let counted = rows.iter().map(|row| Row::from_row(row).map(Counted::from));
    let counted = counted.collect::<Result<Vec<_>, _>>()?;
    // Without an objection the statement would have held it.
    Ok(claim.objection(&counted).unwrap_or(Verdict::NoShare))
}

/// Takes the reservation away and puts the bill in its place. A reservation that has lapsed is reserved no
/// more; the bill is due all the same. Without a row it was settled before: a commit may pass although its
/// answer was lost.
const SETTLE: &str = "\
    WITH gone AS ( \
        DELETE FROM reservations WHERE id = $1 RETURNING lapsed, holds \
    ), held AS ( \
        SELECT hold.budget, hold.unit, hold.units, hold.period_end, gone.lapsed FROM gone, \
            jsonb_to_recordset(gone.holds::jsonb) AS hold (budget text, unit text, units bigint, period_end bigint) \
    ), locked AS ( \
        SELECT id FROM budgets WHERE id IN (SELECT budget FROM held) ORDER BY id FOR UPDATE \
    ), settled AS ( \
        UPDATE budgets SET reserved = reserved - CASE held.lapsed WHEN 0 THEN held.units ELSE 0 END, \
            spent = CASE WHEN spent > $2 THEN spent \
                ELSE spent + CASE held.unit WHEN 'usd' THEN $3 ELSE $4 END END \
        FROM held, locked \
        WHERE budgets.id = held.budget AND locked.id = held.budget AND budgets.period_end = held.period_end \
    ) \
    SELECT count(*) FROM gone";

/// Settles. Returns whether the reservation was still there.
pub(super) async fn settle(database: &Database, settlement: &Settlement) -> Result<bool> {
    let Settlement { reservation, usd, requests, .. } = settlement;
    let query = sqlx::query_scalar::<_, i64>(SETTLE).bind(reservation).bind(MAX_UNITS).bind(*usd);
    Ok(query.bind(*requests).fetch_one(&database.write).await? > 0)
}
