-- Transactions that a node lists and that are not applied, because no node has returned them yet.
-- The indexer continues without them, requests them again and again, and applies them when a node
-- returns them. `bauta-indexer backfill` and `reconcile` add what they find to this table.
CREATE TABLE quarantine (
    slot bigint NOT NULL CHECK (slot >= 0),
    signature transaction_signature NOT NULL,
    succeeded boolean NOT NULL,
    -- why the last request failed
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, signature)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON quarantine TO bauta_indexer;
