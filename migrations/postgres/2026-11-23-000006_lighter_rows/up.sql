-- Every claim and fact is written with a command, and read by its resource only when the whole log is compared: facts by the front of their
-- primary key, claims by a copy that the comparison sorts for itself.
DROP INDEX facts_resource;
DROP INDEX claims_holder;
