-- no-transaction
-- Reads and deletes the leaves of one registry.
CREATE UNIQUE INDEX CONCURRENTLY merkle_leaves_by_registry ON merkle_leaves (registry_id, index);
