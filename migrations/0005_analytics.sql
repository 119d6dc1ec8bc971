-- Rollups. The transaction that applies events also updates them. So a query reads one row for each
-- hour or day, and not one for each verification.

CREATE TABLE verifications_by_hour (
    scope_id integer NOT NULL REFERENCES scopes,
    claim field_element NOT NULL,
    hour timestamptz NOT NULL,
    -- the claim as a track; null if the claim is not a track
    track_id uint64,
    verifications bigint NOT NULL CHECK (verifications >= 0),
    -- transactions that failed because their nullifier was used before
    refused bigint NOT NULL CHECK (refused >= 0),
    -- the number, sum and minimum of the known anonymity sets
    anonymity_sets bigint NOT NULL CHECK (anonymity_sets >= 0),
    anonymity_set_sum bigint NOT NULL CHECK (anonymity_set_sum >= 0),
    anonymity_set_min integer CHECK (anonymity_set_min >= 0),
    PRIMARY KEY (scope_id, claim, hour)
);
CREATE INDEX verifications_by_hour_of_track ON verifications_by_hour (track_id, hour);

-- The same by day (UTC). A year of a scope can have thousands of hours.
CREATE TABLE verifications_by_day (
    scope_id integer NOT NULL REFERENCES scopes,
    claim field_element NOT NULL,
    day timestamptz NOT NULL,
    track_id uint64,
    verifications bigint NOT NULL CHECK (verifications >= 0),
    refused bigint NOT NULL CHECK (refused >= 0),
    anonymity_sets bigint NOT NULL CHECK (anonymity_sets >= 0),
    anonymity_set_sum bigint NOT NULL CHECK (anonymity_set_sum >= 0),
    anonymity_set_min integer CHECK (anonymity_set_min >= 0),
    PRIMARY KEY (scope_id, claim, day)
);
CREATE INDEX verifications_by_day_of_track ON verifications_by_day (track_id, day);

-- The number of live tokens of an owner in a track. An owner without live tokens has no row.
CREATE TABLE track_owners (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    owner address NOT NULL,
    tokens bigint NOT NULL CHECK (tokens > 0),
    PRIMARY KEY (registry_id, track_id, owner)
);

-- The number of distinct owners with a live token in a track, from a tree change until the next
-- row.
CREATE TABLE anonymity_sets (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    since_sequence bigint NOT NULL,
    owners integer NOT NULL CHECK (owners >= 0),
    PRIMARY KEY (registry_id, track_id, since_sequence)
);

-- The changes of a track by day (UTC): first registrations, repeated registrations and evictions.
CREATE TABLE growth_by_day (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    day date NOT NULL,
    registered bigint NOT NULL CHECK (registered >= 0),
    renewed bigint NOT NULL CHECK (renewed >= 0),
    evicted bigint NOT NULL CHECK (evicted >= 0),
    PRIMARY KEY (registry_id, track_id, day)
);
