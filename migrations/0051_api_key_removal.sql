-- The API service deletes the rows of API keys that expired long ago, so that the table does not grow
-- for ever. The jobs and the budgets of a key's owner are deleted earlier.
--
-- A role that is taken over must not delete a row to add another key with the same prefix or owner.
-- So the role may delete a row only 90 days after its key has expired, and only if no later key has
-- its prefix as its owner. A user that has the rights of the table's owner is an operator.
CREATE FUNCTION check_api_key_removal() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN OLD;
    END IF;
    IF OLD.expires_at > now() - interval '90 days' THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may delete an API key that has not expired 90 days ago';
    END IF;
    IF EXISTS (SELECT FROM api_keys k WHERE k.owner = OLD.prefix AND k.prefix <> OLD.prefix
               AND k.expires_at > now() - interval '90 days') THEN
        RAISE insufficient_privilege USING MESSAGE = 'only an operator may delete an API key that owns a later key';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER check_key_removal BEFORE DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION check_api_key_removal();

-- A session's temporary tables come before all schemas, unless the path names them.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure AS name, substr(c.setting, length('search_path=') + 1) AS path
        FROM pg_proc p, unnest(p.proconfig) AS c (setting)
        WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND p.proname = 'check_api_key_removal' AND c.setting LIKE 'search_path=%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path TO %s, pg_temp', f.name, f.path);
    END LOOP;
END $$;

GRANT DELETE ON api_keys TO bauta_api;
