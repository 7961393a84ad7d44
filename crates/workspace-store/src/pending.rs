//! Secrets that wait for a browser to come back, on whichever host it does.

use std::time::Duration;

use provider_core::Secret;
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::key::{Place, Purpose, Sealed, hex};
use crate::store::{Inner, Store};

/// How many secrets of one token wait at most. One more takes the place of the oldest.
const MAX_OF_TOKEN: i64 = 20;

impl Store {
    /// Keeps a secret for the bearer of a token, until it is [taken](Self::take_pending) or its time is over: the
    /// verifier of a request that sends the user's browser elsewhere, for example. `state` is the text that
    /// comes back with the browser, which nobody can guess; the database has its hash alone. At most 20 secrets
    /// of a token wait, and one more takes the place of the oldest.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Seal`](crate::StoreError::Seal) when the system has no random
    /// numbers.
    pub async fn put_pending(
        &self,
        workspace: &str,
        token: &str,
        state: &str,
        secret: &Secret,
        life: Duration,
    ) -> Result<()> {
        let id = hash(state);
        let sealed = self.0.keys.seal(&place(workspace, token, &id), secret.expose().as_bytes())?;
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.database().begin().await?;
        let sql = "DELETE FROM pending_requests WHERE workspace = $1 AND token = $2 AND id NOT IN \
                   (SELECT id FROM pending_requests WHERE workspace = $1 AND token = $2 \
                   ORDER BY expires DESC LIMIT $3)";
        sqlx::query(sql).bind(workspace).bind(token).bind(MAX_OF_TOKEN - 1).execute(&mut *tx).await?;
        let sql = "INSERT INTO pending_requests (id, workspace, token, expires, key_id, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&id).bind(workspace).bind(token);
        let query = query.bind(self.now().saturating_add(life)).bind(sealed.key_id).bind(sealed.bytes);
        query.execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a secret that the bearer of this token has put there, once, on any host. `None`: there is none, or
    /// not any more, or it is another token's.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn take_pending(&self, workspace: &str, token: &str, state: &str) -> Result<Option<Secret>> {
        let id = hash(state);
        let sql = "DELETE FROM pending_requests WHERE id = $1 AND workspace = $2 AND token = $3 AND expires > $4 \
                   RETURNING key_id, sealed";
        let query = sqlx::query_as::<_, (String, Vec<u8>)>(sql).bind(&id).bind(workspace).bind(token);
        let Some((key_id, bytes)) = query.bind(self.now()).fetch_optional(&self.database().write).await?
        else {
            return Ok(None);
        };
        // One that was sealed with a master key that is gone has to be asked for again.
        let opened = self.0.keys.open(&place(workspace, token, &id), &Sealed { key_id, bytes }).ok();
        Ok(opened.and_then(|text| String::from_utf8(text.to_vec()).ok()).map(Secret::new))
    }
}

impl Inner {
    /// Drops secrets whose time is over.
    pub(crate) async fn drop_old_pending(&self) -> Result<()> {
        let sql = "DELETE FROM pending_requests WHERE id IN \
                   (SELECT id FROM pending_requests WHERE expires <= $1 LIMIT 500)";
        self.delete_in_steps(sql, self.clock.now()).await
    }
}

fn hash(state: &str) -> String {
    hex(&Sha256::digest(state))
}

fn place<'a>(workspace: &'a str, token: &'a str, id: &'a str) -> Place<'a> {
    Place { purpose: Purpose::PendingRequest, workspace, provider: token, field: id, version: 1 }
}
