-- A circuit can be suspended and resumed. A retirement is scheduled for a later time and can be
-- cancelled until then. No event follows when that time passes, so it is not a status.
-- Circuits that were retired before refuse verifications like suspended ones.
ALTER DOMAIN circuit_status DROP CONSTRAINT circuit_status_is_known;
UPDATE circuits SET status = 'suspended' WHERE status = 'retired';
ALTER DOMAIN circuit_status
    ADD CONSTRAINT circuit_status_is_known CHECK (VALUE IN ('active', 'suspended'));

-- the time from which the circuit is retired for ever, in Unix seconds; null if no retirement is
-- scheduled
ALTER TABLE circuits ADD COLUMN retires_at bigint;
-- the leaf format of the auxiliary registry whose root the statement includes in its claim; 0 if the
-- statement includes none
ALTER TABLE circuits ADD COLUMN auxiliary_format smallint NOT NULL DEFAULT 0
    CHECK (auxiliary_format BETWEEN 0 AND 255);
