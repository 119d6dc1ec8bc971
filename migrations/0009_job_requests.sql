-- What a job was asked for, hashed: an idempotency key that comes again with another request is a client's mistake, and is told so. Jobs from before
-- this version have none.
ALTER TABLE jobs ADD COLUMN request_hash sha256_hash;
