-- Bounds what a service may do with API keys. The API service faces the internet and adds and
-- revokes the keys of accounts, so its role must not be able to make a key that only an operator
-- may make: one with another permission, without an end, or with another client's owner.
--
-- A user that has the rights of the table's owner is an operator. The function runs with the rights
-- of the user, so current_user is the user that changes the row.
CREATE FUNCTION check_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.expires_at > OLD.expires_at THEN
            RAISE insufficient_privilege USING MESSAGE = 'only an operator may make an API key valid for longer';
        END IF;
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT FROM api_keys k WHERE k.prefix = NEW.prefix) THEN
        RETURN NEW; -- the primary key refuses it
    END IF;
    -- The number of new keys in a day counts by this time.
    NEW.created_at := now();
    IF NEW.account IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may add an API key without an account';
    END IF;
    IF NOT NEW.permissions <@ ARRAY['prove', 'read', 'relay', 'trees']
       OR NEW.origins <> '{}' AND NOT NEW.permissions <@ ARRAY['read', 'relay'] THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may add an API key with these permissions';
    END IF;
    -- One day more than the limit of the service, because its clock can differ.
    IF NEW.expires_at > now() + interval '366 days' THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may add an API key for more than 366 days';
    END IF;
    IF NEW.owner = NEW.prefix THEN
        IF EXISTS (SELECT FROM api_keys k WHERE k.owner = NEW.prefix) THEN
            RAISE insufficient_privilege USING MESSAGE = 'another API key has this prefix as its owner';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM api_keys k WHERE k.account = NEW.account AND k.owner = NEW.owner) THEN
        RAISE insufficient_privilege USING MESSAGE = 'the owner of the API key belongs to another account';
    END IF;
    -- Limits of its own come from an earlier key of the same owner.
    IF (NEW.requests_per_minute IS NOT NULL OR NEW.proofs_per_minute IS NOT NULL) AND NOT EXISTS (
           SELECT FROM api_keys k WHERE k.account = NEW.account AND k.owner = NEW.owner
           AND k.requests_per_minute IS NOT DISTINCT FROM NEW.requests_per_minute
           AND k.proofs_per_minute IS NOT DISTINCT FROM NEW.proofs_per_minute) THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may give an API key limits of its own';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_key BEFORE INSERT OR UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION check_api_key();

-- A session's temporary tables come before all schemas, unless the path names them. A role that can
-- create temporary tables could otherwise replace the tables that these functions read and write.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure AS name, substr(c.setting, length('search_path=') + 1) AS path
        FROM pg_proc p, unnest(p.proconfig) AS c (setting)
        WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND p.proname IN ('check_api_key', 'count_api_key_change', 'present_anonymity_set')
          AND c.setting LIKE 'search_path=%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path TO %s, pg_temp', f.name, f.path);
    END LOOP;
END $$;
