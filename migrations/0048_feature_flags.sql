-- What operators switch on and off for all instances.
CREATE TABLE feature_flags (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    zkp_enabled boolean NOT NULL DEFAULT true,      -- proofs and relays
    rollout_percentage smallint NOT NULL DEFAULT 100 CHECK (rollout_percentage BETWEEN 0 AND 100),
    -- Front ends hash it with a number of their own, so that the same clients are not the first ones
    -- of every deployment.
    salt random_id NOT NULL DEFAULT decode(replace(gen_random_uuid()::text, '-', ''), 'hex')
);
INSERT INTO feature_flags DEFAULT VALUES;

GRANT SELECT, UPDATE (zkp_enabled, rollout_percentage) ON feature_flags TO bauta_api;
