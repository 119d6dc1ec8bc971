-- A lease has a number, so that an instance whose lease another one has taken changes nothing.
ALTER TABLE relays ADD COLUMN lease_epoch bigint NOT NULL DEFAULT 0;
-- The transaction that used the nullifier, also if it was executed after the relay had ended. The
-- wallet has paid rent for it.
ALTER TABLE relays ADD COLUMN landed transaction_signature;
-- When the service last tried to reclaim the rent. What was tried longest ago is next.
ALTER TABLE relays ADD COLUMN rent_tried_at timestamptz NOT NULL DEFAULT '-infinity';
-- A relay that has ended keeps the day of its times.
UPDATE relays SET created_at = date_trunc('day', created_at, 'UTC'), send_at = date_trunc('day', send_at, 'UTC')
WHERE state IN ('finalized', 'refused', 'failed', 'expired');

-- When the ledger last had every finalized transaction of the wallet.
ALTER TABLE relay_wallets ADD COLUMN complete_at timestamptz NOT NULL DEFAULT now();
-- Where the listing of unread transactions continues, newest first. Null: with the newest one.
ALTER TABLE relay_wallets ADD COLUMN unread_before transaction_signature;

-- `unread`: no node returns the transaction. Its balances are those of its neighbours.
ALTER TABLE relay_ledger DROP CONSTRAINT relay_ledger_kind_check;
ALTER TABLE relay_ledger ADD CONSTRAINT relay_ledger_kind_check
    CHECK (kind IN ('relay', 'reclaim', 'other', 'unread')) NOT VALID;
ALTER TABLE relay_ledger VALIDATE CONSTRAINT relay_ledger_kind_check;

-- Relays are deleted some time after their end. The ledger stays.
ALTER TABLE relay_ledger DROP CONSTRAINT relay_ledger_relay_fkey;
ALTER TABLE relay_ledger ADD CONSTRAINT relay_ledger_relay_fkey
    FOREIGN KEY (relay) REFERENCES relays ON DELETE SET NULL NOT VALID;
ALTER TABLE relay_ledger VALIDATE CONSTRAINT relay_ledger_relay_fkey;
ALTER TABLE relay_attempts DROP CONSTRAINT relay_attempts_relay_fkey;
ALTER TABLE relay_attempts ADD CONSTRAINT relay_attempts_relay_fkey
    FOREIGN KEY (relay) REFERENCES relays ON DELETE CASCADE NOT VALID;
ALTER TABLE relay_attempts VALIDATE CONSTRAINT relay_attempts_relay_fkey;
GRANT DELETE ON relays TO bauta_api;
