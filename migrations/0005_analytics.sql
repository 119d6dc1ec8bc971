-- Kept in the transaction that applies the events, so that a question costs rows of hours and days, not of uses.

CREATE TABLE verifications_by_hour (
    scope_id integer NOT NULL REFERENCES scopes,
    claim field_element NOT NULL,
    hour timestamptz NOT NULL,
    -- the claim as a track, where the leaf format has tracks
    track_id uint64,
    verifications bigint NOT NULL CHECK (verifications >= 0),
    -- failed transactions that brought a nullifier already used
    refused bigint NOT NULL CHECK (refused >= 0),
    -- over the verifications whose anonymity set is known
    anonymity_sets bigint NOT NULL CHECK (anonymity_sets >= 0),
    anonymity_set_sum bigint NOT NULL CHECK (anonymity_set_sum >= 0),
    anonymity_set_min integer CHECK (anonymity_set_min >= 0),
    PRIMARY KEY (scope_id, claim, hour)
);
CREATE INDEX verifications_by_hour_of_track ON verifications_by_hour (track_id, hour);

-- The same by days (UTC), since a scope's year has tens of thousands of hours.
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

-- Live tokens of an owner in a track. A row goes when its count is zero.
CREATE TABLE track_owners (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    owner address NOT NULL,
    tokens bigint NOT NULL CHECK (tokens > 0),
    PRIMARY KEY (registry_id, track_id, owner)
);

-- Distinct owners live in a track, from one tree change to the next row's.
CREATE TABLE anonymity_sets (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    since_sequence bigint NOT NULL,
    owners integer NOT NULL CHECK (owners >= 0),
    PRIMARY KEY (registry_id, track_id, since_sequence)
);

CREATE TABLE growth_by_day (
    registry_id integer NOT NULL REFERENCES registries,
    track_id uint64 NOT NULL,
    day date NOT NULL,
    registered bigint NOT NULL CHECK (registered >= 0),
    renewed bigint NOT NULL CHECK (renewed >= 0),
    evicted bigint NOT NULL CHECK (evicted >= 0),
    PRIMARY KEY (registry_id, track_id, day)
);
