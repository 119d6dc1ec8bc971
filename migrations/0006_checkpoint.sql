-- The progress of the database along the chain, and the journal that a rollback uses.

CREATE TABLE events (
    slot bigint NOT NULL CHECK (slot >= 0),
    transaction_index integer NOT NULL CHECK (transaction_index >= 0),
    instruction_index integer NOT NULL CHECK (instruction_index >= 0),
    inner_index integer NOT NULL CHECK (inner_index >= 0),
    kind text NOT NULL,
    signature transaction_signature NOT NULL,
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (slot, transaction_index, instruction_index, inner_index)
);

-- Every event at or before this position has been applied. No row means that no batch has been
-- applied, which is not the same as slot 0.
CREATE TABLE checkpoint (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    batch bigint NOT NULL CHECK (batch > 0),
    slot bigint NOT NULL CHECK (slot >= 0),
    transaction_index integer NOT NULL,
    instruction_index integer NOT NULL,
    inner_index integer NOT NULL
);

-- The newest final slot: no fork can undo it.
CREATE TABLE finality (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    slot bigint NOT NULL CHECK (slot >= 0)
);

-- One row for each row that a batch inserted, updated or deleted: its key, and its content before
-- the batch (null if it did not exist).
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch bigint NOT NULL,
    -- the slot of the batch's checkpoint
    slot bigint NOT NULL,
    relation text NOT NULL,
    key jsonb NOT NULL,
    before jsonb
);
CREATE INDEX journal_by_batch ON journal (batch, id);
CREATE INDEX journal_by_slot ON journal (slot);

-- The tables that follow the chain, parents before children. This is the only list of them: the
-- journal, the roles and a rebuild use it. A migration that adds such a table replaces this
-- function, and calls journal_changes_of if the table is journaled.
--
-- Tiles are not journaled, because their sequences say which versions a rollback deletes and
-- reopens.
CREATE FUNCTION chain_tables() RETURNS TABLE (name text, journaled boolean) LANGUAGE sql IMMUTABLE AS $$
    VALUES ('config', true), ('circuits', true), ('registries', true), ('collections', true), ('holdings', true),
           ('scopes', true), ('merkle_leaves', true), ('roots', true), ('tiles', false), ('nullifiers', true),
           ('verifications', true), ('verifications_by_hour', true), ('verifications_by_day', true),
           ('track_owners', true), ('anonymity_sets', true), ('growth_by_day', true), ('events', true),
           ('checkpoint', true), ('finality', false), ('journal', false)
$$;

-- Writes the journal for a statement on a journaled table. TG_ARGV has the columns of its key. It
-- does nothing outside a batch. In a batch, the setting bauta.batch is "number slot".
CREATE FUNCTION write_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch_and_slot text[] := string_to_array(nullif(current_setting('bauta.batch', true), ''), ' ');
    key_columns text[] := TG_ARGV;
BEGIN
    IF batch_and_slot IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO journal (batch, slot, relation, key)
        SELECT batch_and_slot[1]::bigint, batch_and_slot[2]::bigint, TG_TABLE_NAME, k.key
        FROM after_rows a,
             LATERAL (SELECT jsonb_object_agg(e.key, e.value) AS key
                      FROM jsonb_each(to_jsonb(a)) e WHERE e.key = ANY (key_columns)) k;
    ELSE
        INSERT INTO journal (batch, slot, relation, key, before)
        SELECT batch_and_slot[1]::bigint, batch_and_slot[2]::bigint, TG_TABLE_NAME, k.key, to_jsonb(b)
        FROM before_rows b,
             LATERAL (SELECT jsonb_object_agg(e.key, e.value) AS key
                      FROM jsonb_each(to_jsonb(b)) e WHERE e.key = ANY (key_columns)) k;
    END IF;
    RETURN NULL;
END $$;

-- Adds the triggers that write the journal of a table. The key of the journal is the primary key.
CREATE FUNCTION journal_changes_of(relation text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key_columns text;
BEGIN
    SELECT string_agg(quote_literal(a.attname), ', ' ORDER BY a.attnum) INTO key_columns
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = relation::regclass AND i.indisprimary;
    IF key_columns IS NULL THEN
        RAISE EXCEPTION '% has no primary key', relation;
    END IF;
    EXECUTE format('CREATE TRIGGER journal_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS after_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', relation, key_columns);
    EXECUTE format('CREATE TRIGGER journal_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS before_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', relation, key_columns);
    EXECUTE format('CREATE TRIGGER journal_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS before_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', relation, key_columns);
END $$;

SELECT journal_changes_of(name) FROM chain_tables() WHERE journaled;

-- Restores every row that a batch touched. The caller rolls batches back newest first, and outside
-- a batch.
CREATE FUNCTION roll_back_batch(number bigint) RETURNS void LANGUAGE plpgsql AS $$
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
        WHERE attrelid = entry.relation::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
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
