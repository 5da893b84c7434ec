-- Who was shown whose personal data, when, on what request. Like the log it only grows, and nothing can make it anew.
CREATE TABLE looks (
    number       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    looked_at    BIGINT NOT NULL,
    organisation TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    record       TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    operation    TEXT COLLATE "C" NOT NULL,
    request_id   TEXT COLLATE "C" NOT NULL,
    purpose      TEXT COLLATE "C"
);
CREATE INDEX looks_record ON looks (record, number);
CREATE INDEX looks_organisation ON looks (organisation, number);
CREATE INDEX looks_looked_at ON looks (looked_at);

CREATE FUNCTION looks_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'looks are append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER looks_refuse_change BEFORE UPDATE OR DELETE ON looks FOR EACH ROW EXECUTE FUNCTION looks_refuse();
CREATE TRIGGER looks_refuse_truncate BEFORE TRUNCATE ON looks FOR EACH STATEMENT EXECUTE FUNCTION looks_refuse();

-- Also for sessions that call themselves replicas.
ALTER TABLE looks ENABLE ALWAYS TRIGGER looks_refuse_change;
ALTER TABLE looks ENABLE ALWAYS TRIGGER looks_refuse_truncate;
