-- Times are milliseconds since 1970. `changed` is a JSON object: the revision in which each field last
-- changed.
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    unlisted_models TEXT,
    keep_content_ms BIGINT,
    revision BIGINT NOT NULL,
    changed TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE providers (
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    -- Random, so that a provider that is made anew under an old id is another one.
    uid TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled_models TEXT,
    revision BIGINT NOT NULL,
    changed TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);

CREATE TABLE secrets (
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL,
    field TEXT NOT NULL,
    version BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (workspace, provider, field),
    FOREIGN KEY (workspace, provider) REFERENCES providers (workspace, id) ON DELETE CASCADE
);

-- The master keys that secrets of this database may be sealed with, each with a text that it seals.
CREATE TABLE master_keys (
    key_id TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    workspace TEXT NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_of_workspace ON audit (workspace, id);

-- One row. Each transaction that changes settings counts it up last, so that numbers are in the order of
-- commits.
CREATE TABLE feed (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    number BIGINT NOT NULL
);
INSERT INTO feed (only_row, number) VALUES (1, 0);

CREATE TABLE changes (
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    workspace TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (number, kind, subject)
);
