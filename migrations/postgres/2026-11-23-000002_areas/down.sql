DROP TABLE programmes;
DROP TABLE financings;
DROP TABLE enterprises;
DROP TABLE certifications;
DROP TABLE assessments;
DROP TABLE managers;
DROP TABLE cooperatives;
DROP TABLE organisations;
