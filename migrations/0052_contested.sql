-- Transactions about which nodes contradict each other: the version that one side returns. The
-- indexer continues without the versions that are set aside.
CREATE TABLE contested (
    slot bigint NOT NULL CHECK (slot >= 0),
    signature transaction_signature NOT NULL,
    -- SHA-256 of the events in this version
    version sha256_hash NOT NULL,
    succeeded boolean NOT NULL,
    -- kept: it is applied, and nothing decides; aside: it is not applied, and nothing decides;
    -- undone: it is not applied, because it is decided that it is wrong
    state text NOT NULL CHECK (state IN ('kept', 'aside', 'undone')),
    -- whether a node returns another version, which can be applied
    has_other boolean NOT NULL,
    -- the nodes that return this version
    nodes text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, signature, version)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON contested TO bauta_indexer;

-- A leader of an earlier release does not know this table. It must not apply what is set aside.
CREATE FUNCTION refuse_contested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('bauta.contests', true) IS DISTINCT FROM 'known' AND EXISTS (
        SELECT FROM added a JOIN contested c ON c.slot = a.slot AND c.signature = a.signature
        WHERE c.state <> 'kept') THEN
        RAISE EXCEPTION 'the batch has a contested transaction that is set aside; this release of bauta-indexer does not know contested transactions: upgrade it'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_contested AFTER INSERT ON events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_contested();
