-- no-transaction
-- To delete the oldest ended jobs of an owner who has too many, without reading those of others.
CREATE INDEX CONCURRENTLY jobs_ended_by_owner ON jobs (owner, ended_at, id) WHERE ended_at IS NOT NULL;
