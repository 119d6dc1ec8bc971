-- no-transaction
CREATE INDEX CONCURRENTLY journal_of_registries ON journal ((key ->> 'id'), id) WHERE relation = 'registries' AND before IS NOT NULL;
