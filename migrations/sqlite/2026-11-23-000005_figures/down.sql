DROP TABLE tallies;
DROP TABLE postings;
