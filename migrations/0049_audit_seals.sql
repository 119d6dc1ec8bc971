-- Signed checkpoints of the audit log, at most one in a minute. The key of the signatures is not in
-- the database, so a party that writes the log again can't sign its checkpoints.
CREATE TABLE audit_seals (
    minute bigint PRIMARY KEY CHECK (minute > 0),               -- Unix time in minutes
    records bigint NOT NULL UNIQUE CHECK (records > 0),         -- the number of records at that time
    hash sha256_hash NOT NULL,                                  -- of the chain up to the last one
    note text NOT NULL CHECK (char_length(note) BETWEEN 1 AND 1024)
);

GRANT SELECT, INSERT ON audit_seals TO bauta_api;
