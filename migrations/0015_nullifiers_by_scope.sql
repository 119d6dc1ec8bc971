-- no-transaction
-- Reconciliation reads the nullifiers of a scope in parts that begin with the same bytes.
CREATE UNIQUE INDEX CONCURRENTLY nullifiers_by_scope ON nullifiers (scope_id, hash);
