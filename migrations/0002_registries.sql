-- The program's accounts, according to its events. Large tables refer to an account by a small
-- number and not by its address. Columns whose names end in _at are times that the events carry.

CREATE TABLE config (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    admin address NOT NULL,
    -- the address that may accept the handover; null if no handover is open
    pending_admin address,
    cluster_tag sha256_hash NOT NULL,
    paused boolean NOT NULL,
    development_keys_allowed boolean NOT NULL
);

CREATE TABLE circuits (
    id integer PRIMARY KEY CHECK (id > 0),
    address address NOT NULL UNIQUE,
    statement text NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 32),
    version integer NOT NULL CHECK (version BETWEEN 0 AND 65535),
    depth tree_depth NOT NULL,
    leaf_format smallint NOT NULL CHECK (leaf_format BETWEEN 0 AND 255),
    provenance circuit_provenance NOT NULL,
    status circuit_status NOT NULL,
    vk_hash sha256_hash NOT NULL,
    constraint_system_hash sha256_hash NOT NULL,
    transcript_hash sha256_hash NOT NULL,
    registered_at timestamptz NOT NULL
);

CREATE TABLE registries (
    id integer PRIMARY KEY CHECK (id > 0),
    address address NOT NULL UNIQUE,
    authority address NOT NULL,
    nonce uint64 NOT NULL,
    kind registry_kind NOT NULL,
    depth tree_depth NOT NULL,
    leaf_format smallint NOT NULL CHECK (leaf_format BETWEEN 0 AND 255),
    root_ttl_seconds bigint NOT NULL CHECK (root_ttl_seconds > 0),
    sealed boolean NOT NULL,
    next_index bigint NOT NULL CHECK (next_index BETWEEN 0 AND 1::bigint << (2 * depth::smallint)),
    -- the number of tree changes
    sequence bigint NOT NULL CHECK (sequence >= 0),
    created_at timestamptz NOT NULL,
    CHECK (depth = 10 OR kind = 'attested'),
    CHECK (kind = 'holders' OR NOT sealed)
);

CREATE TABLE collections (
    registry_id integer NOT NULL REFERENCES registries,
    key address NOT NULL,
    is_group boolean NOT NULL,
    track_id uint64 NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (registry_id, key)
);

CREATE TABLE holdings (
    registry_id integer NOT NULL REFERENCES registries,
    mint address NOT NULL,
    owner address NOT NULL,
    commitment field_element NOT NULL,
    index bigint NOT NULL CHECK (index >= 0),
    track_id uint64 NOT NULL,
    live boolean NOT NULL,
    last_change_at timestamptz NOT NULL,
    PRIMARY KEY (registry_id, mint),
    UNIQUE (registry_id, index)
);

CREATE TABLE scopes (
    id integer PRIMARY KEY CHECK (id > 0),
    address address NOT NULL UNIQUE,
    registry_id integer NOT NULL REFERENCES registries,
    circuit_id integer NOT NULL REFERENCES circuits,
    auxiliary_registry_id integer REFERENCES registries,
    creator address NOT NULL,
    nonce uint64 NOT NULL,
    -- the account that must sign verifications; null if the scope has no gate
    gate address,
    scope field_element NOT NULL,
    mode scope_mode NOT NULL,
    status scope_status NOT NULL,
    -- the root of a snapshot, and the tree change that made it current
    root field_element,
    root_sequence bigint,
    required_claim field_element,
    -- Unix seconds, as the account has them: any i64
    opens_at bigint NOT NULL,
    closes_at bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK ((mode = 'snapshot') = (root IS NOT NULL)),
    CHECK ((root IS NULL) = (root_sequence IS NULL))
);
CREATE INDEX scopes_by_registry ON scopes (registry_id);
