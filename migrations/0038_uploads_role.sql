-- The role for uploads of the trees of attested registries. A service that the internet reaches
-- stores trees with it, so it can write nothing else that follows the chain.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bauta_uploads') THEN
        CREATE ROLE bauta_uploads NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server is migrated at the same time
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO bauta_uploads', current_schema());
END $$;
GRANT SELECT ON registries, scopes, roots, tiles, merkle_leaves, checkpoint, _sqlx_migrations, schema_compatibility
    TO bauta_uploads;
GRANT INSERT, UPDATE (until_sequence) ON tiles TO bauta_uploads;
GRANT INSERT, DELETE ON merkle_leaves TO bauta_uploads;
GRANT UPDATE (stored) ON roots TO bauta_uploads;
-- To lock the table against the indexer while a tree is marked as stored. It can have one row only,
-- and has it before there is a root, so nothing can be inserted.
GRANT INSERT ON checkpoint TO bauta_uploads;
