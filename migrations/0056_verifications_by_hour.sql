-- no-transaction
-- To add the verifications of all scopes in the last hours, without reading those of earlier hours.
CREATE INDEX CONCURRENTLY verifications_by_hour_of_all ON verifications_by_hour (hour);
