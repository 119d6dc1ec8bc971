-- no-transaction
-- To delete old relays without reading the others.
CREATE INDEX CONCURRENTLY relays_ended ON relays (created_at)
    WHERE state IN ('finalized', 'refused', 'failed', 'expired');
