-- Text is compared by its bytes, as on SQLite, whatever the locale of the database.

-- The log. Positions are dense and rows never change; the triggers hold even against a mistaken hand at the database.
CREATE TABLE events (
    position       BIGINT NOT NULL PRIMARY KEY,
    event_id       TEXT COLLATE "C" NOT NULL UNIQUE,
    stream_kind    TEXT COLLATE "C" NOT NULL,
    stream_id      TEXT COLLATE "C" NOT NULL,
    version        BIGINT NOT NULL,
    type           TEXT COLLATE "C" NOT NULL,
    schema_version BIGINT NOT NULL,
    data           TEXT COLLATE "C" NOT NULL,
    actor          TEXT COLLATE "C" NOT NULL,
    organisation   TEXT COLLATE "C" NOT NULL,
    occurred_at    BIGINT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL,
    causation_id   TEXT COLLATE "C",
    leaf_hash      BYTEA    NOT NULL,
    UNIQUE (stream_kind, stream_id, version)
);
CREATE INDEX events_recorded_at ON events (recorded_at);

CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_refuse();
CREATE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_refuse();

CREATE FUNCTION events_refuse_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_added BIGINT;
    last_added  BIGINT;
    number      BIGINT;
BEGIN
    SELECT min(position), max(position), count(*) INTO first_added, last_added, number FROM added;
    IF number > 0 AND (last_added - first_added + 1 <> number
        OR first_added <> coalesce((SELECT max(position) FROM events WHERE position < first_added), 0) + 1) THEN
        RAISE EXCEPTION 'events are append-only: position must be the next one';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_refuse_gaps AFTER INSERT ON events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_gaps();

-- Also for sessions that call themselves replicas.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse_change;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse_truncate;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse_gaps;

-- One row: the end of the log and the frontier of its Merkle tree.
CREATE TABLE head (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    position    BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    frontier    BYTEA    NOT NULL
);
INSERT INTO head (id, position, recorded_at, frontier) VALUES (1, 0, 0, '');

-- The first answer to an Idempotency-Key, for ever.
CREATE TABLE receipts (
    organisation TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    fingerprint  BYTEA    NOT NULL,
    created      BOOLEAN NOT NULL,
    stream_kind  TEXT COLLATE "C" NOT NULL,
    stream_id    TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    refusal      TEXT COLLATE "C",
    recorded_at  BIGINT NOT NULL,
    PRIMARY KEY (organisation, key)
);

-- What may be recorded once only, and by which resource it is held.
CREATE TABLE claims (
    namespace TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    holder    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (namespace, value)
);

-- What states assert for figures across resources, and between which positions it held.
CREATE TABLE facts (
    measure        TEXT COLLATE "C" NOT NULL,
    resource       TEXT COLLATE "C" NOT NULL,
    event_id       TEXT COLLATE "C" NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,
    region         TEXT COLLATE "C" NOT NULL,
    value          TEXT COLLATE "C" NOT NULL,
    occurred_on    TEXT COLLATE "C" NOT NULL,
    from_position  BIGINT NOT NULL,
    until_position BIGINT,
    PRIMARY KEY (measure, resource, event_id, subject, from_position)
);
CREATE INDEX facts_measure_day ON facts (measure, occurred_on);
CREATE INDEX facts_measure_subject ON facts (measure, subject);

-- Persons' data keys, wrapped by the master key. Deleting a row is erasing the person.
CREATE TABLE subject_keys (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder  TEXT COLLATE "C" NOT NULL,
    lookup  TEXT COLLATE "C" UNIQUE,
    wrapped BYTEA NOT NULL
);

-- The service's own secrets, wrapped by the master key.
CREATE TABLE secrets (
    name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    wrapped BYTEA NOT NULL
);
