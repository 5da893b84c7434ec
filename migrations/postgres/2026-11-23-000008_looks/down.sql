DROP TABLE looks;
DROP FUNCTION looks_refuse();
