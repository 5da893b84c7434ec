DROP INDEX certifications_lapsing;
DROP TABLE regions;
DROP TABLE trainings;
