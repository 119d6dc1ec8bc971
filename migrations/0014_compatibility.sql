-- The oldest version of a program that can use this schema, given as the newest migration that the
-- program knows. A migration that only adds to the schema leaves the row as it is, so programs of
-- the previous release continue to run and can restart. A migration that removes or changes what
-- they use sets it.
CREATE TABLE schema_compatibility (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    oldest_migration bigint NOT NULL CHECK (oldest_migration > 0)
);
INSERT INTO schema_compatibility (oldest_migration) VALUES (14);

GRANT SELECT ON schema_compatibility TO bauta_indexer, bauta_api, bauta_prover;
