-- Jobs of the prover service: the request, the state and the result. The queue engine has its own
-- schema and decides which worker runs which job.
CREATE DOMAIN job_state AS text
    CONSTRAINT job_state_is_known CHECK (VALUE IN ('queued', 'running', 'succeeded', 'failed', 'cancelled'));
-- A sealed witness has a key name, a nonce and a tag, which together are at least 42 bytes.
CREATE DOMAIN sealed_witness AS bytea CONSTRAINT sealed_witness_is_sealed CHECK (octet_length(VALUE) >= 42);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    owner text NOT NULL,                -- the prefix of the API key; '' if the service needs none
    idempotency_key text,
    circuit text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 10),
    -- Fair queueing: the job with the smaller turn is begun first. See Store::enqueue_job.
    turn bigint NOT NULL,
    state job_state NOT NULL DEFAULT 'queued',
    attempts smallint NOT NULL DEFAULT 0,
    witness sealed_witness,             -- the encrypted request; null after the job has ended
    answer text,
    error_code text,
    error_detail text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    deadline timestamptz NOT NULL,
    UNIQUE (owner, idempotency_key),
    CHECK ((witness IS NOT NULL) = (state IN ('queued', 'running'))),
    CHECK ((ended_at IS NULL) = (state IN ('queued', 'running'))),
    CHECK ((answer IS NOT NULL) = (state = 'succeeded')),
    CHECK ((error_code IS NOT NULL AND error_detail IS NOT NULL) = (state = 'failed'))
);
CREATE INDEX jobs_flow ON jobs (owner, priority, turn);
CREATE INDEX jobs_begun ON jobs (turn) WHERE state <> 'queued';
CREATE INDEX jobs_open ON jobs (state, deadline) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_came ON jobs (created_at);
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO bauta_prover;
