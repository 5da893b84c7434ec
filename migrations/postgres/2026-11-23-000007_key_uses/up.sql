-- When each key and client was last used, noted about once a minute. It is no part of the log: nothing is folded from it, and losing it harms nothing.
CREATE TABLE key_uses (
    key_id       TEXT NOT NULL PRIMARY KEY,
    last_used_at BIGINT NOT NULL
);
