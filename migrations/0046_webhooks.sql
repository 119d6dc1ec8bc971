-- Webhooks: URLs of clients that get the final events of the chain, and what is to be sent to them.

-- A version, a nonce, and a secret with its tag.
CREATE DOMAIN sealed_secret AS bytea CONSTRAINT sealed_secret_is_sealed CHECK (octet_length(VALUE) BETWEEN 41 AND 256);

CREATE TABLE webhooks (
    id random_id PRIMARY KEY,
    account account_id NOT NULL,
    url text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2048),
    -- Which events. Null and empty: all.
    scope address,
    registry address,
    types text[] NOT NULL CHECK (cardinality(types) <= 32),
    -- The secrets that sign, encrypted. The previous one signs as well until its time.
    secret sealed_secret NOT NULL,
    previous_secret sealed_secret,
    previous_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Every event up to this position that the webhook wants has a delivery.
    slot bigint NOT NULL CHECK (slot >= 0),
    transaction_index integer NOT NULL,
    instruction_index integer NOT NULL,
    inner_index integer NOT NULL,
    rewind bigint NOT NULL,             -- the last rollback that the position takes into account
    planned_at timestamptz NOT NULL DEFAULT now(),
    leased_at timestamptz NOT NULL DEFAULT now(), -- the webhook that waits longest is the next one
    answers boolean NOT NULL DEFAULT false,       -- whether the last attempt succeeded
    failing_since timestamptz,          -- null: the last attempt succeeded, or there was none
    disabled_at timestamptz,            -- null: it is enabled
    disabled_code text CHECK (char_length(disabled_code) BETWEEN 1 AND 64)
);
CREATE INDEX webhooks_by_account ON webhooks (account, created_at);

-- What is sent, and the newest messages that were sent in the last 30 days. The event's position identifies the message, so a
-- client recognises one that it has received before.
CREATE TABLE webhook_deliveries (
    webhook random_id NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    slot bigint NOT NULL,
    transaction_index integer NOT NULL,
    instruction_index integer NOT NULL,
    inner_index integer NOT NULL,
    kind text NOT NULL,
    scope address,
    registry address,
    happened_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_status integer,                -- the HTTP status of the last attempt; null: no response
    last_code text CHECK (char_length(last_code) BETWEEN 1 AND 64),
    ended_at timestamptz,
    PRIMARY KEY (webhook, slot, transaction_index, instruction_index, inner_index)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE state <> 'pending';

GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks, webhook_deliveries TO bauta_api;
