-- The kind, the rules and the number of a collection, as the program stores them. Programs of the
-- previous release write only is_group, so the kind of their rows is null.
ALTER TABLE collections ADD COLUMN kind smallint CHECK (kind BETWEEN 0 AND 255);
ALTER TABLE collections ADD COLUMN rules integer NOT NULL DEFAULT 0 CHECK (rules BETWEEN 0 AND 65535);
ALTER TABLE collections ADD COLUMN number integer NOT NULL DEFAULT 0 CHECK (number BETWEEN 0 AND 65535);
