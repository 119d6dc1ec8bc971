-- A job that ended before it was begun (cancelled, or past its deadline) does not count for the
-- turns of other jobs. Otherwise an owner who cancels the last of a thousand jobs would put all
-- other owners behind the remaining 999.
DROP INDEX jobs_begun;
CREATE INDEX jobs_begun ON jobs (turn) WHERE attempts > 0;
-- To count the queued jobs of all owners and of one owner.
CREATE INDEX jobs_waiting ON jobs (owner) WHERE state = 'queued';
-- To count jobs by state, and to list the newest failed jobs.
CREATE INDEX jobs_states ON jobs (state);
CREATE INDEX jobs_failed ON jobs (ended_at, id) WHERE state = 'failed';
