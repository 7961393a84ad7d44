-- Secrets that wait for a browser to come back: sealed, under the hash of what comes back with it.
CREATE TABLE pending_requests (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    token TEXT NOT NULL,
    expires INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX pending_requests_of_token ON pending_requests (workspace, token, expires);
CREATE INDEX pending_requests_by_expiry ON pending_requests (expires);
