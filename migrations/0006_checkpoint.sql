-- How far the database follows the chain, and what it takes to go back.

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

-- Everything at or before this position has been applied. No row: nothing has, which is not the same as slot 0.
CREATE TABLE checkpoint (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    batch bigint NOT NULL CHECK (batch > 0),
    slot bigint NOT NULL CHECK (slot >= 0),
    transaction_index integer NOT NULL,
    instruction_index integer NOT NULL,
    inner_index integer NOT NULL
);

-- No fork can undo this slot.
CREATE TABLE finality (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    slot bigint NOT NULL CHECK (slot >= 0)
);

-- One row for each row that a batch inserted, changed or deleted: its key, and what it was before (nothing, if it was not).
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch bigint NOT NULL,
    -- the batch's checkpoint
    slot bigint NOT NULL,
    relation text NOT NULL,
    key jsonb NOT NULL,
    before jsonb
);
CREATE INDEX journal_by_batch ON journal (batch, id);
CREATE INDEX journal_by_slot ON journal (slot);

-- Writes the journal for a statement on a journaled table. TG_ARGV are the columns of its key. Only within a batch: the
-- setting bauta.batch is then "batch slot".
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

DO $$
DECLARE
    journaled record;
    key_columns text;
BEGIN
    -- Tiles are not journaled: their sequences say what to drop and what to reopen.
    FOR journaled IN SELECT * FROM (VALUES
        ('config', 'singleton'), ('circuits', 'id'), ('registries', 'id'), ('collections', 'registry_id,key'),
        ('holdings', 'registry_id,mint'), ('scopes', 'id'), ('merkle_leaves', 'id'),
        ('roots', 'registry_id,sequence'), ('nullifiers', 'hash,scope_id'), ('verifications', 'id'),
        ('verifications_by_hour', 'scope_id,claim,hour'), ('verifications_by_day', 'scope_id,claim,day'),
        ('track_owners', 'registry_id,track_id,owner'),
        ('anonymity_sets', 'registry_id,track_id,since_sequence'), ('growth_by_day', 'registry_id,track_id,day'),
        ('events', 'slot,transaction_index,instruction_index,inner_index'), ('checkpoint', 'singleton')
    ) AS t (name, key)
    LOOP
        key_columns := (SELECT string_agg(quote_literal(c), ', ') FROM unnest(string_to_array(journaled.key, ',')) c);
        EXECUTE format('CREATE TRIGGER journal_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS after_rows
                        FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', journaled.name, key_columns);
        EXECUTE format('CREATE TRIGGER journal_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS before_rows
                        FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', journaled.name, key_columns);
        EXECUTE format('CREATE TRIGGER journal_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS before_rows
                        FOR EACH STATEMENT EXECUTE FUNCTION write_journal(%s)', journaled.name, key_columns);
    END LOOP;
END $$;

-- Puts every row that a batch touched back to what it was. The caller undoes batches newest first, outside any batch.
CREATE FUNCTION undo_batch(undone bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    touched record;
    entry record;
    key_columns text;
    columns text;
    changed bigint;
BEGIN
    -- The tree first: what later changes wrote goes, what they replaced is current again. A registry's oldest entry is
    -- its state before the batch; without one the registry itself was not.
    FOR touched IN
        SELECT DISTINCT ON (key) (key ->> 'id')::integer AS registry_id, (before ->> 'sequence')::bigint AS sequence
        FROM journal WHERE batch = undone AND relation = 'registries' ORDER BY key, id
    LOOP
        -- an Attested tree's leaves are put in outside of batches
        DELETE FROM merkle_leaves l USING registries r
        WHERE l.registry_id = touched.registry_id AND r.id = l.registry_id AND r.kind = 'attested'
          AND EXISTS (SELECT 1 FROM roots o WHERE o.registry_id = r.id AND o.stored
                      AND o.sequence > coalesce(touched.sequence, -1));
        DELETE FROM tiles
        WHERE registry_id = touched.registry_id AND since_sequence > coalesce(touched.sequence, -1);
        UPDATE tiles SET until_sequence = NULL
        WHERE registry_id = touched.registry_id AND until_sequence > touched.sequence;
    END LOOP;

    FOR entry IN SELECT * FROM journal WHERE batch = undone ORDER BY id DESC LOOP
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
    DELETE FROM journal WHERE batch = undone;
END $$;
