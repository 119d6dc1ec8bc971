-- no-transaction
-- The former roots that no verification used, by the end of their validity. Retention deletes them.
CREATE INDEX CONCURRENTLY roots_unused ON roots (greatest(replaced_at, valid_until))
    WHERE replaced_at IS NOT NULL AND first_used_at IS NULL;
