-- What each event adds to the figures: statistics are sums of these, so a figure as of any position is a sum up to there.
CREATE TABLE postings (
    position     BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    measure      TEXT COLLATE "C" NOT NULL,
    month        TEXT COLLATE "C" NOT NULL,
    region       TEXT COLLATE "C" NOT NULL,
    organisation TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    count        BIGINT NOT NULL,
    sen          BIGINT NOT NULL,
    PRIMARY KEY (position, ordinal)
);

-- The postings summed, span by span of the log, so that no statistic reads more than one span of them.
CREATE TABLE tallies (
    measure      TEXT COLLATE "C" NOT NULL,
    span         BIGINT NOT NULL,
    month        TEXT COLLATE "C" NOT NULL,
    region       TEXT COLLATE "C" NOT NULL,
    organisation TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    count        BIGINT NOT NULL,
    sen          BIGINT NOT NULL,
    PRIMARY KEY (measure, span, month, region, organisation, value)
);

-- Amounts in sen, to be summed over what a caller may see: the plafon in force (what was asked for, before there is one), what was paid out,
-- what is still owed as last reported.
ALTER TABLE financings ADD COLUMN plafon BIGINT NOT NULL DEFAULT 0;
ALTER TABLE financings ADD COLUMN disbursed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE financings ADD COLUMN outstanding BIGINT NOT NULL DEFAULT 0;
