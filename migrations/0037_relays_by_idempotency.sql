-- no-transaction
-- A repeated request has the relay of the first one.
CREATE UNIQUE INDEX CONCURRENTLY relays_by_idempotency ON relays (idempotency_hash) WHERE idempotency_hash IS NOT NULL;
