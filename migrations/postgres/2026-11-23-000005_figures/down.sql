ALTER TABLE financings DROP COLUMN outstanding;
ALTER TABLE financings DROP COLUMN disbursed;
ALTER TABLE financings DROP COLUMN plafon;
DROP TABLE tallies;
DROP TABLE postings;
