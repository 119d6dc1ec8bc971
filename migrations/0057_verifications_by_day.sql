-- no-transaction
-- The same for the last days.
CREATE INDEX CONCURRENTLY verifications_by_day_of_all ON verifications_by_day (day);
