-- Relayed verifications, and the ledger of the wallets that pay for them. The tables name scopes by
-- address, because a rebuild of the tables that follow the chain changes their ids.

CREATE DOMAIN random_id AS bytea CONSTRAINT random_id_has_16_bytes CHECK (octet_length(VALUE) = 16);
-- Version, nonce (24 bytes), ciphertext and tag (16 bytes).
CREATE DOMAIN sealed_relay AS bytea CONSTRAINT sealed_relay_is_sealed CHECK (octet_length(VALUE) >= 41);
CREATE DOMAIN relay_state AS text CONSTRAINT relay_state_is_known CHECK (
    VALUE IN ('queued', 'sent', 'confirmed', 'finalized', 'refused', 'failed', 'expired')
);

-- The wallets that pay. `balance` is the balance after the last booked transaction.
CREATE TABLE relay_wallets (
    wallet address PRIMARY KEY,
    opening bigint NOT NULL CHECK (opening >= 0),     -- lamports before the first entry
    balance bigint NOT NULL CHECK (balance >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    entries bigint NOT NULL DEFAULT 0,
    last_signature transaction_signature,             -- the last transaction that was read
    next_booking timestamptz NOT NULL DEFAULT now(),
    next_reclaim timestamptz NOT NULL DEFAULT now()
);

-- What the relays of a scope cost on one day (UTC), and what open relays may still cost.
CREATE TABLE relay_budgets (
    scope address NOT NULL,
    day date NOT NULL,
    reserved bigint NOT NULL CHECK (reserved >= 0),
    spent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, day)
);

CREATE TABLE relays (
    id random_id PRIMARY KEY,                          -- random, and the key to the relay's state
    scope address NOT NULL,
    budget address NOT NULL,                          -- whose budget pays: relay_budgets.scope
    nullifier field_element NOT NULL,
    wallet address NOT NULL REFERENCES relay_wallets,
    request_hash sha256_hash NOT NULL,                -- keyed, so that it reveals nothing
    request sealed_relay,                             -- null after the end
    state relay_state NOT NULL DEFAULT 'queued',
    reason text,                                      -- of refused, failed and expired
    expiry bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    send_at timestamptz NOT NULL,
    day date NOT NULL,
    reserved bigint NOT NULL CHECK (reserved >= 0),   -- the most that the relay can cost
    cost bigint NOT NULL DEFAULT 0,                   -- what its transactions cost
    settled boolean NOT NULL DEFAULT false,           -- the reservation was released
    reclaimed boolean NOT NULL DEFAULT false,         -- the nullifier's rent was returned
    leased_by random_id,                               -- the instance that sends
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    FOREIGN KEY (budget, day) REFERENCES relay_budgets (scope, day)
);
-- One relay for each nullifier. A relay that ended without using it gives way.
CREATE UNIQUE INDEX relays_by_nullifier ON relays (scope, nullifier)
    WHERE state IN ('queued', 'sent', 'confirmed', 'finalized');
CREATE INDEX relays_failed ON relays (scope, nullifier) WHERE state = 'failed';
CREATE INDEX relays_open ON relays (send_at) WHERE state IN ('queued', 'sent', 'confirmed');
CREATE INDEX relays_with_rent ON relays (wallet, scope) WHERE state = 'finalized' AND NOT reclaimed;

-- The transactions of a relay. At most one of them can be executed: the next one is created only
-- when the former one is certainly dead.
CREATE TABLE relay_attempts (
    relay random_id NOT NULL REFERENCES relays,
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 3),
    signature transaction_signature NOT NULL UNIQUE,
    -- For each node, its last block height at which the transaction can be executed.
    last_heights bigint[] NOT NULL CHECK (cardinality(last_heights) > 0),
    price bigint NOT NULL,                            -- micro-lamports for each compute unit
    transaction sealed_relay,                         -- null after the end
    state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'dead', 'landed')),
    PRIMARY KEY (relay, number)
);
CREATE UNIQUE INDEX relay_attempts_alive ON relay_attempts (relay) WHERE state <> 'dead';

-- Transactions that close nullifier accounts.
CREATE TABLE relay_reclaims (
    signature transaction_signature PRIMARY KEY,
    wallet address NOT NULL REFERENCES relay_wallets,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Every change of a wallet's balance, in the order of the chain. Rows are only added. `number`
-- counts from 1 without gaps, and `before` is the `after` of the previous row.
CREATE TABLE relay_ledger (
    wallet address NOT NULL REFERENCES relay_wallets,
    number bigint NOT NULL CHECK (number > 0),
    signature transaction_signature NOT NULL,
    slot bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('relay', 'reclaim', 'other')),
    relay random_id REFERENCES relays,
    before bigint NOT NULL CHECK (before >= 0),
    after bigint NOT NULL CHECK (after >= 0),
    fee bigint NOT NULL CHECK (fee >= 0),             -- a part of the difference
    booked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (wallet, number),
    UNIQUE (signature, wallet)
);

GRANT SELECT, INSERT, UPDATE ON relay_wallets, relay_budgets, relays, relay_attempts TO bauta_api;
GRANT SELECT, INSERT ON relay_reclaims, relay_ledger TO bauta_api;
