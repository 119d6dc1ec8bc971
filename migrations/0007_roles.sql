-- Permissions of the services. These are group roles without login. An operator grants them to the
-- users of the services. Roles belong to the server and not to the database, so an existing role is
-- kept as it is.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bauta_indexer', 'bauta_api', 'bauta_prover'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server is migrated at the same time
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
    END LOOP;
END $$;

-- Only the indexer writes rows of the tables that follow the chain. It can't change the schema. The
-- API reads all of them except the journal.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT t.name FROM chain_tables() t LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO bauta_indexer', name);
        IF name <> 'journal' THEN
            EXECUTE format('GRANT SELECT ON %I TO bauta_api', name);
        END IF;
    END LOOP;
END $$;

-- The prover reads what it needs for a witness. It can't read holdings, nullifiers or
-- verifications.
GRANT SELECT ON config, circuits, registries, scopes, roots, tiles, checkpoint, finality TO bauta_prover;

-- Every service checks the version of the schema when it starts.
GRANT SELECT ON _sqlx_migrations TO bauta_indexer, bauta_api, bauta_prover;
