-- Bounds of webhooks, so that few of them can't delay the others, and planning does not count all messages each time.
ALTER TABLE webhooks
    -- Messages that can be added before those that have not ended are counted again.
    ADD COLUMN room integer NOT NULL DEFAULT 0,
    -- Successes in sequence, up to 4. An instance attempts as many messages at the same time.
    ADD COLUMN successes smallint NOT NULL DEFAULT 0 CHECK (successes BETWEEN 0 AND 4),
    -- When the audit log last got the record of an internal address. Null: never.
    ADD COLUMN refused_at timestamptz;
