-- What subscribers of events read: the subject of each event, and the rollbacks.

-- The scope and the registry that an event is about. A scope's event has the registry of the scope.
-- Null: neither, or an earlier release wrote the row.
ALTER TABLE events ADD COLUMN scope_id integer, ADD COLUMN registry_id integer;

-- The newest rollbacks. A subscriber that has received events after the position gets the events
-- after it again, as far as they are still in the chain. Rows are added in the transaction of the
-- rollback, so the numbers rise in the order of commits. They are not part of a rebuild.
CREATE TABLE rewinds (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- the checkpoint after the rollback; zeros: the beginning of the chain
    slot bigint NOT NULL CHECK (slot >= 0),
    transaction_index integer NOT NULL,
    instruction_index integer NOT NULL,
    inner_index integer NOT NULL
);

-- Records that the checkpoint went back. A rebuild works on a copy of the table in another schema,
-- which no subscriber reads.
CREATE FUNCTION record_rewind() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    added bigint;
BEGIN
    IF TG_TABLE_SCHEMA <> current_schema() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        INSERT INTO rewinds (slot, transaction_index, instruction_index, inner_index)
        VALUES (0, 0, 0, 0) RETURNING number INTO added;
    ELSIF (NEW.slot, NEW.transaction_index, NEW.instruction_index, NEW.inner_index)
          < (OLD.slot, OLD.transaction_index, OLD.instruction_index, OLD.inner_index) THEN
        INSERT INTO rewinds (slot, transaction_index, instruction_index, inner_index)
        VALUES (NEW.slot, NEW.transaction_index, NEW.instruction_index, NEW.inner_index)
        RETURNING number INTO added;
    ELSE
        RETURN NULL;
    END IF;
    -- A subscriber resumes within far fewer rollbacks.
    DELETE FROM rewinds WHERE number <= added - 10000;
    RETURN NULL;
END $$;
-- As in migration 44: a temporary table must not stand for one of these.
DO $$
BEGIN
    EXECUTE (SELECT format('ALTER FUNCTION record_rewind() SET search_path TO %s, pg_temp',
                           substr(c.setting, length('search_path=') + 1))
             FROM pg_proc p, unnest(p.proconfig) AS c (setting)
             WHERE p.oid = 'record_rewind()'::regprocedure AND c.setting LIKE 'search_path=%');
END $$;
CREATE TRIGGER record_rewind AFTER UPDATE OR DELETE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION record_rewind();

GRANT SELECT ON rewinds TO bauta_api;
