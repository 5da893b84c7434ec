-- Where the resource is after the event, and whose it is: what a reader of the log may see goes by them. Events recorded before have neither,
-- and are shown to those alone who see everything of their kind.
ALTER TABLE events ADD COLUMN region TEXT COLLATE "C";
ALTER TABLE events ADD COLUMN owner TEXT COLLATE "C";
