DROP TABLE secrets;
DROP TABLE subject_keys;
DROP TABLE facts;
DROP TABLE claims;
DROP TABLE receipts;
DROP TABLE head;
DROP TABLE events;
DROP FUNCTION events_refuse();
