-- Who was shown whose personal data, when, on what request. Like the log it only grows, and nothing can make it anew.
CREATE TABLE looks (
    number       INTEGER NOT NULL PRIMARY KEY,
    looked_at    INTEGER NOT NULL,
    organisation TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    record       TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    operation    TEXT    NOT NULL,
    request_id   TEXT    NOT NULL,
    purpose      TEXT
) STRICT;
CREATE INDEX looks_record ON looks (record, number);
CREATE INDEX looks_organisation ON looks (organisation, number);
CREATE INDEX looks_looked_at ON looks (looked_at);

CREATE TRIGGER looks_refuse_update BEFORE UPDATE ON looks
BEGIN SELECT RAISE(ABORT, 'looks are append-only: UPDATE refused'); END;
CREATE TRIGGER looks_refuse_delete BEFORE DELETE ON looks
BEGIN SELECT RAISE(ABORT, 'looks are append-only: DELETE refused'); END;
-- Also refuses INSERT OR REPLACE, which would delete without asking the trigger above.
CREATE TRIGGER looks_refuse_replace BEFORE INSERT ON looks
WHEN NEW.number IN (SELECT number FROM looks)
BEGIN SELECT RAISE(ABORT, 'looks are append-only: a number is given once'); END;
