-- API keys of the services, in addition to those in their configuration. A service reads the keys
-- at most once per second, so that they change without a restart.
CREATE TABLE api_keys (
    prefix text PRIMARY KEY CHECK (prefix ~ '^[0-9a-f]{8}$'),
    -- The owner of the key's jobs: the prefix of the client's first key. A key that replaces
    -- another key keeps its owner, so it keeps access to the jobs.
    owner text NOT NULL CHECK (owner ~ '^[0-9a-f]{8}$'),
    secret_hash sha256_hash NOT NULL,   -- SHA-256 of the secret, which has 256 random bits
    permissions text[] NOT NULL CHECK (cardinality(permissions) BETWEEN 1 AND 32),
    -- The key's own limits. Null: the default of the service. 0: no limit.
    requests_per_minute bigint CHECK (requests_per_minute BETWEEN 0 AND 4294967295),
    proofs_per_minute bigint CHECK (proofs_per_minute BETWEEN 0 AND 4294967295),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- The number of changes of api_keys. A service reads the keys again when it has changed. Writers
-- lock the row, so the number and the rows become visible together.
CREATE TABLE api_key_changes (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    number bigint NOT NULL
);
INSERT INTO api_key_changes (number) VALUES (0);

CREATE FUNCTION count_api_key_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE api_key_changes SET number = number + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER count_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION count_api_key_change();

GRANT SELECT ON api_keys, api_key_changes TO bauta_api, bauta_prover;
