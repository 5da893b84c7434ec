-- The log. Positions are dense and rows never change; the triggers hold even against a mistaken hand at the database.
CREATE TABLE events (
    position       INTEGER NOT NULL PRIMARY KEY,
    event_id       TEXT    NOT NULL UNIQUE,
    stream_kind    TEXT    NOT NULL,
    stream_id      TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    data           TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    organisation   TEXT    NOT NULL,
    occurred_at    INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    correlation_id TEXT    NOT NULL,
    causation_id   TEXT,
    leaf_hash      BLOB    NOT NULL,
    UNIQUE (stream_kind, stream_id, version)
) STRICT;
CREATE INDEX events_recorded_at ON events (recorded_at);

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: UPDATE refused'); END;
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: DELETE refused'); END;
-- Also refuses INSERT OR REPLACE, which would delete without asking the trigger above.
CREATE TRIGGER events_refuse_gaps BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events are append-only: position must be the next one'); END;

-- One row: the end of the log and the frontier of its Merkle tree.
CREATE TABLE head (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    frontier    BLOB    NOT NULL
) STRICT;
INSERT INTO head (id, position, recorded_at, frontier) VALUES (1, 0, 0, x'');

-- The first answer to an Idempotency-Key, for ever.
CREATE TABLE receipts (
    organisation TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    fingerprint  BLOB    NOT NULL,
    created      INTEGER NOT NULL,
    stream_kind  TEXT    NOT NULL,
    stream_id    TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    refusal      TEXT,
    recorded_at  INTEGER NOT NULL,
    PRIMARY KEY (organisation, key)
) STRICT;

-- What may be recorded once only, and by which resource it is held.
CREATE TABLE claims (
    namespace TEXT NOT NULL,
    value     TEXT NOT NULL,
    holder    TEXT NOT NULL,
    PRIMARY KEY (namespace, value)
) STRICT, WITHOUT ROWID;

-- What states assert for figures across resources, and between which positions it held.
CREATE TABLE facts (
    measure        TEXT    NOT NULL,
    resource       TEXT    NOT NULL,
    event_id       TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    region         TEXT    NOT NULL,
    value          TEXT    NOT NULL,
    occurred_on    TEXT    NOT NULL,
    from_position  INTEGER NOT NULL,
    until_position INTEGER,
    PRIMARY KEY (measure, resource, event_id, subject, from_position)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_measure_day ON facts (measure, occurred_on);
CREATE INDEX facts_measure_subject ON facts (measure, subject);

-- Persons' data keys, wrapped by the master key. Deleting a row is erasing the person.
CREATE TABLE subject_keys (
    subject TEXT NOT NULL PRIMARY KEY,
    holder  TEXT NOT NULL,
    lookup  TEXT UNIQUE,
    wrapped BLOB NOT NULL
) STRICT;

-- The service's own secrets, wrapped by the master key.
CREATE TABLE secrets (
    name    TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT;
