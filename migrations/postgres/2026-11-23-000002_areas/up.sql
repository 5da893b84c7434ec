-- One row per resource: the folded state as the document the API returns, and what is filtered or sorted by in columns.
CREATE TABLE organisations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX organisations_position ON organisations (position);
CREATE INDEX organisations_kind_region ON organisations (kind, region);

CREATE TABLE cooperatives (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    health TEXT COLLATE "C",
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX cooperatives_position ON cooperatives (position);
CREATE INDEX cooperatives_region ON cooperatives (region);
CREATE INDEX cooperatives_health_region ON cooperatives (health, region);
CREATE INDEX cooperatives_kind ON cooperatives (kind);
CREATE INDEX cooperatives_name_folded ON cooperatives (name_folded, id);

CREATE TABLE managers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    cooperative TEXT COLLATE "C",
    role TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX managers_position ON managers (position);
CREATE INDEX managers_region ON managers (region);
CREATE INDEX managers_cooperative ON managers (cooperative);

CREATE TABLE assessments (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    cooperative TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    regulation TEXT COLLATE "C" NOT NULL,
    book_year BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C",
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX assessments_position ON assessments (position);
CREATE INDEX assessments_cooperative_book_year ON assessments (cooperative, book_year);
CREATE INDEX assessments_region ON assessments (region);
CREATE INDEX assessments_state ON assessments (state);

CREATE TABLE certifications (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    manager TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    certifier TEXT COLLATE "C" NOT NULL,
    scheme TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    certificate_number TEXT COLLATE "C",
    valid_until TEXT COLLATE "C",
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX certifications_position ON certifications (position);
CREATE INDEX certifications_manager ON certifications (manager);
CREATE INDEX certifications_certifier ON certifications (certifier);
CREATE INDEX certifications_certificate_number ON certifications (certificate_number);

CREATE TABLE enterprises (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    size_class TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX enterprises_position ON enterprises (position);
CREATE INDEX enterprises_region ON enterprises (region);
CREATE INDEX enterprises_name_folded ON enterprises (name_folded, id);

CREATE TABLE financings (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    lender TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    beneficiary_kind TEXT COLLATE "C" NOT NULL,
    beneficiary TEXT COLLATE "C" NOT NULL,
    scheme TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    collectibility BIGINT,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX financings_position ON financings (position);
CREATE INDEX financings_lender ON financings (lender);
CREATE INDEX financings_region ON financings (region);
CREATE INDEX financings_beneficiary ON financings (beneficiary);

CREATE TABLE programmes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    starts_on TEXT COLLATE "C" NOT NULL,
    ends_on TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX programmes_position ON programmes (position);

