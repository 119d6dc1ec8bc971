-- A job that nobody ever began (taken back, or past its deadline while it waited) says nothing about whose turn it is: otherwise, whoever takes back the last of
-- a thousand jobs would put everybody else behind the other 999.
DROP INDEX jobs_begun;
CREATE INDEX jobs_begun ON jobs (turn) WHERE attempts > 0;
-- How many wait, of all and of one owner.
CREATE INDEX jobs_waiting ON jobs (owner) WHERE state = 'queued';
-- Counts by state, and the newest failed ones, among a day's jobs.
CREATE INDEX jobs_states ON jobs (state);
CREATE INDEX jobs_failed ON jobs (ended_at, id) WHERE state = 'failed';
