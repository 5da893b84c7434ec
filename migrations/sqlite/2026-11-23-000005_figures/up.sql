-- What each event adds to the figures: statistics are sums of these, so a figure as of any position is a sum up to there.
CREATE TABLE postings (
    position     INTEGER NOT NULL,
    ordinal      INTEGER NOT NULL,
    measure      TEXT NOT NULL,
    month        TEXT NOT NULL,
    region       TEXT NOT NULL,
    organisation TEXT NOT NULL,
    value        TEXT NOT NULL,
    count        INTEGER NOT NULL,
    sen          INTEGER NOT NULL,
    PRIMARY KEY (position, ordinal)
) WITHOUT ROWID, STRICT;

-- The postings summed, span by span of the log, so that no statistic reads more than one span of them.
CREATE TABLE tallies (
    measure      TEXT NOT NULL,
    span         INTEGER NOT NULL,
    month        TEXT NOT NULL,
    region       TEXT NOT NULL,
    organisation TEXT NOT NULL,
    value        TEXT NOT NULL,
    count        INTEGER NOT NULL,
    sen          INTEGER NOT NULL,
    PRIMARY KEY (measure, span, month, region, organisation, value)
) WITHOUT ROWID, STRICT;

-- Amounts in sen, to be summed over what a caller may see: the plafon in force (what was asked for, before there is one), what was paid out,
-- what is still owed as last reported.
ALTER TABLE financings ADD COLUMN plafon INTEGER NOT NULL DEFAULT 0;
ALTER TABLE financings ADD COLUMN disbursed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE financings ADD COLUMN outstanding INTEGER NOT NULL DEFAULT 0;
