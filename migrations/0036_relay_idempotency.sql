-- A keyed hash of a client's Idempotency-Key and its request. Null without one.
ALTER TABLE relays ADD COLUMN idempotency_hash sha256_hash;
