-- no-transaction
-- To list the jobs of an owner, the newest first.
CREATE INDEX CONCURRENTLY jobs_by_owner ON jobs (owner, id);
