-- One row per resource: the folded state as the document the API returns, and what is filtered or sorted by in columns.
CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX organisations_position ON organisations (position);
CREATE INDEX organisations_kind_region ON organisations (kind, region);

CREATE TABLE cooperatives (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    health TEXT,
    doc TEXT NOT NULL
);
CREATE INDEX cooperatives_position ON cooperatives (position);
CREATE INDEX cooperatives_region ON cooperatives (region);
CREATE INDEX cooperatives_health_region ON cooperatives (health, region);
CREATE INDEX cooperatives_kind ON cooperatives (kind);
CREATE INDEX cooperatives_name_folded ON cooperatives (name_folded, id);

CREATE TABLE managers (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT NOT NULL,
    owner TEXT NOT NULL,
    cooperative TEXT,
    role TEXT,
    status TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX managers_position ON managers (position);
CREATE INDEX managers_region ON managers (region);
CREATE INDEX managers_cooperative ON managers (cooperative);

CREATE TABLE assessments (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    cooperative TEXT NOT NULL,
    region TEXT NOT NULL,
    owner TEXT NOT NULL,
    regulation TEXT NOT NULL,
    book_year BIGINT NOT NULL,
    state TEXT NOT NULL,
    category TEXT,
    doc TEXT NOT NULL
);
CREATE INDEX assessments_position ON assessments (position);
CREATE INDEX assessments_cooperative_book_year ON assessments (cooperative, book_year);
CREATE INDEX assessments_region ON assessments (region);
CREATE INDEX assessments_state ON assessments (state);

CREATE TABLE certifications (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    manager TEXT NOT NULL,
    region TEXT NOT NULL,
    certifier TEXT NOT NULL,
    scheme TEXT NOT NULL,
    state TEXT NOT NULL,
    certificate_number TEXT,
    valid_until TEXT,
    doc TEXT NOT NULL
);
CREATE INDEX certifications_position ON certifications (position);
CREATE INDEX certifications_manager ON certifications (manager);
CREATE INDEX certifications_certifier ON certifications (certifier);
CREATE INDEX certifications_certificate_number ON certifications (certificate_number);

CREATE TABLE enterprises (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT NOT NULL,
    owner TEXT NOT NULL,
    size_class TEXT NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX enterprises_position ON enterprises (position);
CREATE INDEX enterprises_region ON enterprises (region);
CREATE INDEX enterprises_name_folded ON enterprises (name_folded, id);

CREATE TABLE financings (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    lender TEXT NOT NULL,
    region TEXT NOT NULL,
    beneficiary_kind TEXT NOT NULL,
    beneficiary TEXT NOT NULL,
    scheme TEXT NOT NULL,
    state TEXT NOT NULL,
    collectibility BIGINT,
    doc TEXT NOT NULL
);
CREATE INDEX financings_position ON financings (position);
CREATE INDEX financings_lender ON financings (lender);
CREATE INDEX financings_region ON financings (region);
CREATE INDEX financings_beneficiary ON financings (beneficiary);

CREATE TABLE programmes (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    region TEXT NOT NULL,
    state TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX programmes_position ON programmes (position);

