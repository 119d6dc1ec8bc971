-- Who may do what. Group roles without login: an operator grants them to the users that services connect as. Roles belong to
-- the server, so one that is already there is taken as it is.
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
            NULL; -- another database of this server was migrated at the same moment
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
    END LOOP;
END $$;

-- The indexer alone writes, and can't change the schema.
GRANT SELECT, INSERT, UPDATE, DELETE ON
    config, circuits, registries, collections, holdings, scopes, merkle_leaves, roots, tiles, nullifiers, verifications,
    verifications_by_hour, verifications_by_day, track_owners, anonymity_sets, growth_by_day, events, checkpoint, finality,
    journal
    TO bauta_indexer;

-- The API reads everything but the journal.
GRANT SELECT ON
    config, circuits, registries, collections, holdings, scopes, merkle_leaves, roots, tiles, nullifiers, verifications,
    verifications_by_hour, verifications_by_day, track_owners, anonymity_sets, growth_by_day, events, checkpoint, finality
    TO bauta_api;

-- The prover reads what a witness is made of: no holdings, nullifiers or uses.
GRANT SELECT ON config, circuits, registries, scopes, roots, tiles, checkpoint, finality TO bauta_prover;

-- Every service checks at start that the schema is the one it was built for.
GRANT SELECT ON _sqlx_migrations TO bauta_indexer, bauta_api, bauta_prover;
