-- Accounts of wallets, their logins, and the API keys that they create.

-- An account is a keyed hash of a wallet's address, so no row names the wallet.
CREATE DOMAIN account_id AS bytea CONSTRAINT account_id_has_16_bytes CHECK (octet_length(VALUE) = 16);

-- The accounts that have a role.
CREATE TABLE accounts (
    id account_id PRIMARY KEY,
    roles text[] NOT NULL CHECK (
        cardinality(roles) > 0 AND roles <@ ARRAY['owner', 'operator', 'auditor', 'developer']),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_of_owners ON accounts (id) WHERE 'owner' = ANY(roles);

-- A login lasts until it ends or expires. Its refresh token is replaced with each use, and the row
-- has only the hash of the newest one.
CREATE TABLE logins (
    id_hash sha256_hash PRIMARY KEY,    -- SHA-256 of 128 random bits, a part of each refresh token
    account account_id NOT NULL,
    secret_hash sha256_hash NOT NULL,   -- SHA-256 of 256 random bits of the newest refresh token
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz                -- null: it has not been ended
);
CREATE INDEX logins_by_account ON logins (account, created_at);
CREATE INDEX logins_by_expiry ON logins (expires_at);

-- The nonces that were used and have not expired.
CREATE TABLE used_nonces (
    nonce_hash sha256_hash PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_nonces_by_expiry ON used_nonces (expires_at);

-- The account that created a key, and the name that it gave the key. Null: an operator created it.
ALTER TABLE api_keys ADD COLUMN account account_id;
ALTER TABLE api_keys ADD COLUMN name text CHECK (char_length(name) BETWEEN 1 AND 64);
-- The origins of the web pages that may use the key. Empty: the key is for servers. An earlier
-- release accepts no key with origins, because its hash is of the whole key and not of the secret.
ALTER TABLE api_keys ADD COLUMN origins text[] NOT NULL DEFAULT '{}' CHECK (cardinality(origins) <= 16);
CREATE INDEX api_keys_by_account ON api_keys (account, created_at) WHERE account IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, logins, used_nonces TO bauta_api;
GRANT INSERT, UPDATE (expires_at) ON api_keys TO bauta_api;
