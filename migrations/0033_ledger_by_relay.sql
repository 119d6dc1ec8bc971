-- no-transaction
-- To find the transactions of a relay, and to delete the relay.
CREATE INDEX CONCURRENTLY relay_ledger_by_relay ON relay_ledger (relay) WHERE relay IS NOT NULL;
