-- A backfill knows which node has listed an entry, so that everything that only one node has listed
-- can be removed together. The lists of earlier releases (backfill_histories) do not say it. They
-- stay for those releases, and neither release uses the other's positions.

-- How far the list of each node is stored.
CREATE TABLE backfill_lists (
    node text PRIMARY KEY,
    -- identifies the list in backfill_transactions
    number smallint NOT NULL UNIQUE CHECK (number > 0),
    -- an earlier release ends a backfill without knowing this table
    backfill boolean NOT NULL DEFAULT true REFERENCES backfill ON DELETE CASCADE,
    -- the oldest stored entry, from which the next page continues
    before transaction_signature,
    -- whether the list is stored up to the beginning of the range
    complete boolean NOT NULL DEFAULT false,
    -- whether the list is not read on, although it may not be complete
    ended boolean NOT NULL DEFAULT false,
    -- whether the node listed transactions that do not exist, so that its list does not count
    left_out boolean NOT NULL DEFAULT false
);

-- The only list with the entry. Null: several lists have it, or it is not known which one.
ALTER TABLE backfill_transactions ADD COLUMN list smallint;

GRANT SELECT, INSERT, UPDATE, DELETE ON backfill_lists TO bauta_indexer;
