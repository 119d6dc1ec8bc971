-- Notifies services on the channel bauta_chain when a batch, a rollback or finality is committed, so
-- that they read again what they cache. A notification carries no data, and one that is lost does
-- no harm: readers also poll.
CREATE FUNCTION notify_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bauta_chain', '');
    RETURN NULL;
END $$;

CREATE TRIGGER notify_chain AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION notify_chain();
CREATE TRIGGER notify_chain AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON finality
FOR EACH STATEMENT EXECUTE FUNCTION notify_chain();
