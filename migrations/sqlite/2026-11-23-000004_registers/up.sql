-- Trainings with who attended them, and what regions were designated as.
CREATE TABLE trainings (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    region TEXT NOT NULL,
    owner TEXT NOT NULL,
    held_from TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX trainings_position ON trainings (position);
CREATE INDEX trainings_region_id ON trainings (region, id);
CREATE INDEX trainings_name_folded ON trainings (name_folded, id);

CREATE TABLE regions (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    region TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;

-- Certificates about to lapse are looked for by their last day.
CREATE INDEX certifications_lapsing ON certifications (valid_until, id) WHERE state = 'certified';
