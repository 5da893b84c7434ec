-- Roots of the complete subtrees of 256^level events each: what tiles and proofs are made of. Level 0, the events' own hashes, stands with
-- the events. A row is written when the last event below it is; for events that are there already the program makes them at its start.
CREATE TABLE log_nodes (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;
