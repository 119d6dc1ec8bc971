-- Uses of proofs. No wallet, recipient or payer is in any of these tables.

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
    -- distinct owners live at that root and track; unknown where the registry has no owners
    anonymity_set integer CHECK (anonymity_set >= 0)
);
CREATE INDEX verifications_by_scope ON verifications (scope_id, id);
