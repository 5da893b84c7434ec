-- Trainings with who attended them, and what regions were designated as.
CREATE TABLE trainings (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    held_from TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX trainings_position ON trainings (position);
CREATE INDEX trainings_region_id ON trainings (region, id);
CREATE INDEX trainings_name_folded ON trainings (name_folded, id);

CREATE TABLE regions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);

-- Certificates about to lapse are looked for by their last day.
CREATE INDEX certifications_lapsing ON certifications (valid_until, id) WHERE state = 'certified';
