-- no-transaction
-- To read the keys that are valid or expired not long ago, without those that expired before.
CREATE INDEX CONCURRENTLY api_keys_by_expiry ON api_keys (expires_at);
