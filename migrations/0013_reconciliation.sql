-- The cluster that the database follows. Nodes of another cluster are refused.
CREATE TABLE cluster (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    genesis_hash sha256_hash NOT NULL
);

-- Two watermarks. No fork can undo a slot up to finality.slot. Up to reconciled_slot the database
-- also agrees with the program's accounts, so no transaction is missing. reconciled_slot follows
-- slot and is never after it. It is null before the first reconciliation. The journal is kept up to
-- reconciled_slot, so that missing transactions in final slots can be added.
ALTER TABLE finality ADD COLUMN reconciled_slot bigint
    CHECK (reconciled_slot >= 0), ADD CHECK (reconciled_slot <= slot);

CREATE OR REPLACE FUNCTION chain_tables() RETURNS TABLE (name text, journaled boolean) LANGUAGE sql IMMUTABLE AS $$
    VALUES ('cluster', false), ('config', true), ('circuits', true), ('registries', true), ('collections', true),
           ('holdings', true), ('scopes', true), ('merkle_leaves', true), ('roots', true), ('tiles', false),
           ('nullifiers', true), ('verifications', true), ('verifications_by_hour', true),
           ('verifications_by_day', true), ('track_owners', true), ('anonymity_sets', true), ('growth_by_day', true),
           ('events', true), ('checkpoint', true), ('finality', false), ('journal', false)
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON cluster TO bauta_indexer;
GRANT SELECT ON cluster TO bauta_api, bauta_prover;

-- As before, but a column that the journal's entry does not have keeps its value, or gets its
-- default value in a row that is inserted again. So a version of the indexer can roll back batches
-- of another version, which wrote tables with fewer or more columns.
CREATE OR REPLACE FUNCTION roll_back_batch(number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    touched record;
    entry record;
    key_columns text;
    columns text;
    changed bigint;
BEGIN
    -- Trees first. Versions that later changes wrote are deleted, and versions that they replaced
    -- are current again. The oldest entry of a registry has its state before the batch. If that is
    -- null, the batch created the registry.
    FOR touched IN
        SELECT DISTINCT ON (key) (key ->> 'id')::integer AS registry_id, (before ->> 'sequence')::bigint AS sequence
        FROM journal WHERE batch = number AND relation = 'registries' ORDER BY key, id
    LOOP
        -- The leaves of an Attested tree are imported outside of batches.
        DELETE FROM merkle_leaves l USING registries r
        WHERE l.registry_id = touched.registry_id AND r.id = l.registry_id AND r.kind = 'attested'
          AND EXISTS (SELECT 1 FROM roots o WHERE o.registry_id = r.id AND o.stored
                      AND o.sequence > coalesce(touched.sequence, -1));
        DELETE FROM tiles
        WHERE registry_id = touched.registry_id AND since_sequence > coalesce(touched.sequence, -1);
        UPDATE tiles SET until_sequence = NULL
        WHERE registry_id = touched.registry_id AND until_sequence > touched.sequence;
    END LOOP;

    FOR entry IN SELECT * FROM journal WHERE batch = number ORDER BY id DESC LOOP
        SELECT string_agg(quote_ident(k), ', ') INTO key_columns FROM jsonb_object_keys(entry.key) k;
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = entry.relation::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          AND entry.before ? attname::text;
        IF entry.before IS NULL THEN
            EXECUTE format('DELETE FROM %1$I WHERE (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1))',
                           entry.relation, key_columns) USING entry.key;
        ELSE
            EXECUTE format('UPDATE %1$I SET (%3$s) = (SELECT %3$s FROM jsonb_populate_record(NULL::%1$I, $2))
                            WHERE (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1))',
                           entry.relation, key_columns, columns) USING entry.key, entry.before;
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF changed = 0 THEN
                EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1)',
                               entry.relation, columns) USING entry.before;
            END IF;
        END IF;
    END LOOP;
    DELETE FROM journal WHERE batch = number;
END $$;
