CREATE INDEX claims_holder ON claims (holder);
CREATE INDEX facts_resource ON facts (resource);
