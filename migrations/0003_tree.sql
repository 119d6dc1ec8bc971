-- Registry trees: the current leaves, all roots, and the tiles that valid roots reach.

-- The leaf of a holder is Poseidon3(wallet_hash, token_id, track_id). The protocol calls these
-- inputs commitment, entry_id and attributes. They are null where the chain shows only the leaf.
-- The id consists of registry and index, so that it is the same after a rebuild.
CREATE TABLE merkle_leaves (
    id bigint GENERATED ALWAYS AS ((registry_id::bigint << 32) | index) STORED PRIMARY KEY,
    registry_id integer NOT NULL REFERENCES registries,
    index bigint NOT NULL CHECK (index BETWEEN 0 AND 4294967295),
    wallet_hash field_element,
    token_id field_element,
    track_id uint64,
    leaf_hash field_element NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX merkle_leaves_by_hash ON merkle_leaves USING hash (leaf_hash)
    WHERE leaf_hash <> '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea;

CREATE TABLE roots (
    registry_id integer NOT NULL REFERENCES registries,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    root field_element NOT NULL,
    -- the number of leaves ever appended, emptied leaves included
    leaf_count bigint NOT NULL CHECK (leaf_count >= 0),
    -- whether tiles hold the tree at this root
    stored boolean NOT NULL,
    created_at timestamptz NOT NULL,
    replaced_at timestamptz,
    -- for a kept root: the end of its time-to-live
    valid_until timestamptz,
    first_used_at timestamptz,
    PRIMARY KEY (registry_id, sequence),
    CHECK (valid_until IS NULL OR valid_until > replaced_at)
);
CREATE INDEX roots_by_value ON roots (registry_id, root);
CREATE UNIQUE INDEX roots_one_current ON roots (registry_id) WHERE replaced_at IS NULL;
CREATE INDEX roots_kept ON roots (registry_id, valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX roots_first_used ON roots (registry_id, created_at) WHERE first_used_at IS NOT NULL;

-- A tile is the subtree of four levels below one node. level is the level of its entries (0, 4, 8
-- or 12). position counts the tiles of a level from the left. A row is a version: the content of
-- the tile from one tree change to another. Only until_sequence of a version changes, once. nodes
-- has each level from below the root of the tile to the entries, 32 bytes a node, without the empty
-- nodes at the end of the entries. An empty tile has no row.
CREATE TABLE tiles (
    registry_id integer NOT NULL REFERENCES registries,
    level smallint NOT NULL CHECK (level IN (0, 4, 8, 12)),
    position bigint NOT NULL CHECK (position >= 0),
    since_sequence bigint NOT NULL CHECK (since_sequence >= 0),
    until_sequence bigint CHECK (until_sequence > since_sequence),
    hash field_element NOT NULL,
    nodes bytea NOT NULL CHECK (octet_length(nodes) BETWEEN 32 AND 10880 AND octet_length(nodes) % 32 = 0),
    PRIMARY KEY (registry_id, level, position, since_sequence)
);
-- Hashes can't be compressed.
ALTER TABLE tiles ALTER COLUMN nodes SET STORAGE EXTERNAL;
CREATE INDEX tiles_by_hash ON tiles USING hash (hash);
CREATE UNIQUE INDEX tiles_current ON tiles (registry_id, level, position) WHERE until_sequence IS NULL;
CREATE INDEX tiles_replaced ON tiles (registry_id, until_sequence) WHERE until_sequence IS NOT NULL;

-- Returns the roots that are valid at a time: the current root, the kept roots within their
-- time-to-live, and the roots that an open scope has copied.
CREATE FUNCTION valid_roots(of_registry integer, at timestamptz) RETURNS SETOF roots LANGUAGE sql STABLE AS $$
    SELECT r.* FROM roots r
    WHERE r.registry_id = of_registry
      AND (r.replaced_at IS NULL
           OR r.valid_until > at
           OR EXISTS (SELECT 1 FROM scopes s
                      WHERE s.registry_id = r.registry_id AND s.root_sequence = r.sequence
                        AND s.status = 'open' AND s.closes_at > extract(epoch FROM at)))
$$;
