-- Verifications and their nullifiers. These tables have no wallet, recipient or payer.

CREATE TABLE nullifiers (
    hash field_element NOT NULL,
    scope_id integer NOT NULL REFERENCES scopes,
    track_id uint64,
    used_at timestamptz NOT NULL,
    tx_signature transaction_signature NOT NULL,
    reclaimed_at timestamptz,
    PRIMARY KEY (hash, scope_id)
);

CREATE TABLE verifications (
    id bigint PRIMARY KEY CHECK (id > 0),
    scope_id integer NOT NULL REFERENCES scopes,
    track_id uint64,
    timestamp timestamptz NOT NULL,
    root_sequence bigint NOT NULL,
    -- the number of distinct owners with a live token in the track at that root; null if the
    -- registry has no owners or the claim is not a track
    anonymity_set integer CHECK (anonymity_set >= 0)
);
CREATE INDEX verifications_by_scope ON verifications (scope_id, id);
