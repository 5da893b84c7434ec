-- Lists are read page by page in the order of an index that begins with what a caller is confined to: the region of a regency, the bank, the
-- certifier. A rebuild reads facts and claims by the resource that asserts them.
DROP INDEX cooperatives_region;
CREATE INDEX cooperatives_region_id ON cooperatives (region, id);
CREATE INDEX cooperatives_region_position ON cooperatives (region, position);
DROP INDEX managers_region;
CREATE INDEX managers_region_id ON managers (region, id);
CREATE INDEX managers_region_position ON managers (region, position);
DROP INDEX assessments_region;
CREATE INDEX assessments_region_id ON assessments (region, id);
CREATE INDEX assessments_region_position ON assessments (region, position);
DROP INDEX enterprises_region;
CREATE INDEX enterprises_region_id ON enterprises (region, id);
CREATE INDEX enterprises_region_position ON enterprises (region, position);
DROP INDEX financings_region;
CREATE INDEX financings_region_id ON financings (region, id);
CREATE INDEX financings_region_position ON financings (region, position);
CREATE INDEX certifications_region_id ON certifications (region, id);
DROP INDEX financings_lender;
CREATE INDEX financings_lender_id ON financings (lender, id);
CREATE INDEX financings_lender_position ON financings (lender, position);
DROP INDEX certifications_certifier;
CREATE INDEX certifications_certifier_id ON certifications (certifier, id);
CREATE INDEX certifications_certifier_position ON certifications (certifier, position);
CREATE INDEX assessments_owner_id ON assessments (owner, id);
CREATE INDEX enterprises_owner_id ON enterprises (owner, id);
CREATE INDEX facts_resource ON facts (resource);
CREATE INDEX claims_holder ON claims (holder);
-- Times are found by halving the log, and a kind of cooperative is no help in finding few among many.
DROP INDEX events_recorded_at;
DROP INDEX cooperatives_kind;
-- Most cooperatives were never assessed; only those that were are looked for by their health.
DROP INDEX cooperatives_health_region;
CREATE INDEX cooperatives_health_region ON cooperatives (health, region) WHERE health IS NOT NULL;
