-- no-transaction
-- Relays whose transaction was executed after they had ended.
CREATE INDEX CONCURRENTLY relays_landed ON relays (scope, nullifier) WHERE landed IS NOT NULL AND state <> 'finalized';
