-- Times are milliseconds since 1970. `changed` is a JSON object: the revision in which each field last
-- changed.
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    unlisted_models TEXT,
    keep_content_ms INTEGER,
    revision INTEGER NOT NULL,
    changed TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE providers (
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    -- Random, so that a provider that is made anew under an old id is another one.
    uid TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled_models TEXT,
    revision INTEGER NOT NULL,
    changed TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (workspace, id)
) STRICT;

CREATE TABLE secrets (
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL,
    field TEXT NOT NULL,
    version INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (workspace, provider, field),
    FOREIGN KEY (workspace, provider) REFERENCES providers (workspace, id) ON DELETE CASCADE
) STRICT;

-- The master keys that secrets of this database may be sealed with, each with a text that it seals.
CREATE TABLE master_keys (
    key_id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_workspace ON audit (workspace, id);

-- One row. Each transaction that changes settings counts it up last, so that numbers are in the order of
-- commits.
CREATE TABLE feed (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO feed (only_row, number) VALUES (1, 0);

CREATE TABLE changes (
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (number, kind, subject)
) STRICT;
