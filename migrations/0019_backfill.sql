-- A backfill reads the histories of the nodes from the newest entry to the oldest and applies the
-- transactions from the oldest to the newest. So the entries are stored in between. An indexer that
-- restarts continues at the cursors.

-- The range of slots of the present backfill: after after_slot (null: from the beginning of the
-- chain) up to until_slot.
CREATE TABLE backfill (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    after_slot bigint CHECK (after_slot >= 0),
    until_slot bigint NOT NULL CHECK (until_slot >= 0)
);

-- How far the history of each node is stored. `before` is the oldest stored entry, from which the
-- next page continues.
CREATE TABLE backfill_histories (
    node text PRIMARY KEY,
    before transaction_signature,
    complete boolean NOT NULL DEFAULT false
);

-- The entries of the histories. Failed transactions without an event are not stored.
CREATE TABLE backfill_transactions (
    slot bigint NOT NULL CHECK (slot >= 0),
    signature transaction_signature NOT NULL,
    succeeded boolean NOT NULL,
    PRIMARY KEY (slot, signature)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON backfill, backfill_histories, backfill_transactions TO bauta_indexer;
