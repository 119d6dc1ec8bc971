-- no-transaction
-- To find the messages of a webhook that have ended and are too many, without those that have not.
CREATE INDEX CONCURRENTLY webhook_deliveries_surplus ON webhook_deliveries
    (webhook, slot, transaction_index, instruction_index, inner_index) WHERE state <> 'pending';
