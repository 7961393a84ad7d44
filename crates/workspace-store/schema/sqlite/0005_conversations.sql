CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    user_id TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_of_workspace ON conversations (workspace, updated, id);

-- A tree: a message whose parent has another child begins a branch. `body` is provider-core's stored form.
CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent TEXT REFERENCES messages (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    run TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of_conversation ON messages (conversation, id);
CREATE INDEX messages_by_parent ON messages (parent);

CREATE TABLE comparisons (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    user_id TEXT,
    created INTEGER NOT NULL,
    report TEXT NOT NULL
) STRICT;
CREATE INDEX comparisons_of_workspace ON comparisons (workspace, id);

CREATE TABLE comparison_cells (
    comparison TEXT NOT NULL REFERENCES comparisons (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    label TEXT NOT NULL,
    provider TEXT,
    requested TEXT NOT NULL,
    served TEXT,
    cost TEXT,
    first_output_ms INTEGER,
    total_ms INTEGER,
    error_kind TEXT,
    PRIMARY KEY (comparison, position)
) STRICT;
