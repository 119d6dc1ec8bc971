-- An operator pauses the sponsorship of relays for all instances. Each change of the row has the
-- next version, so that two operators don't undo each other's changes unseen.
ALTER TABLE feature_flags
    ADD COLUMN sponsorship_paused boolean NOT NULL DEFAULT false,
    ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);
GRANT UPDATE (sponsorship_paused, version) ON feature_flags TO bauta_api;

-- The API shows operators the state of the queue: no witness, no answer, and no owner.
GRANT SELECT (id, circuit, priority, state, attempts, error_code, created_at, started_at, ended_at) ON jobs TO bauta_api;
