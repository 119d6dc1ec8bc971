-- The audit log: who has changed what, and what was refused. Each record has a hash of its contents
-- and of the hash before it, so a record that is changed, removed or inserted breaks the chain.
CREATE TABLE audit_log (
    number bigint PRIMARY KEY CHECK (number > 0),   -- from 1, without gaps
    at bigint NOT NULL CHECK (at >= 0),             -- Unix seconds
    event text NOT NULL CHECK (char_length(event) BETWEEN 1 AND 64),
    code text CHECK (char_length(code) BETWEEN 1 AND 64),           -- of a refusal
    actor text CHECK (char_length(actor) BETWEEN 1 AND 64),         -- an account, or a key's prefix
    subject text CHECK (char_length(subject) BETWEEN 1 AND 128),    -- what was changed
    hash sha256_hash NOT NULL
);

-- The number of records and the hash of the last one. Writers lock the row.
CREATE TABLE audit_head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    records bigint NOT NULL CHECK (records >= 0),
    hash sha256_hash NOT NULL
);
INSERT INTO audit_head (records, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

GRANT SELECT, INSERT ON audit_log TO bauta_api;
GRANT SELECT, UPDATE ON audit_head TO bauta_api;
