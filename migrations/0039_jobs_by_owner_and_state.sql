-- no-transaction
-- To list the jobs of an owner in one state, the newest first, without reading those in other states.
CREATE INDEX CONCURRENTLY jobs_by_owner_and_state ON jobs (owner, state, id);
