-- The turn of a new job depends only on the jobs of its flow that are queued or have had an attempt.
-- The index has only these. Otherwise an owner who enqueues and cancels many jobs would slow every
-- further job down.
DROP INDEX jobs_flow;
CREATE INDEX jobs_flow ON jobs (owner, priority, turn) WHERE state = 'queued' OR attempts > 0;
