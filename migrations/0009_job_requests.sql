-- The hash of the request. A repeated idempotency key with another request is an error of the
-- client. Jobs from before this migration have no hash.
ALTER TABLE jobs ADD COLUMN request_hash sha256_hash;
