-- Proofs that were asked for and are made later. Which worker takes which job when is the queue engine's business (its own schema); this
-- table is what was asked, how far it is and how it ended.
CREATE DOMAIN job_state AS text
    CONSTRAINT job_state_is_known CHECK (VALUE IN ('queued', 'running', 'succeeded', 'failed', 'cancelled'));
-- The name of a key, a nonce and a tag are 42 bytes at least: nothing shorter can be encrypted.
CREATE DOMAIN sealed_witness AS bytea CONSTRAINT sealed_witness_is_sealed CHECK (octet_length(VALUE) >= 42);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    owner text NOT NULL,                -- prefix of the API key that asked; '' where none is needed
    idempotency_key text,
    circuit text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 10),
    -- Fair queueing: the smaller goes first. See Store::enqueue_job.
    turn bigint NOT NULL,
    state job_state NOT NULL DEFAULT 'queued',
    attempts smallint NOT NULL DEFAULT 0,
    witness sealed_witness,             -- the request, encrypted; gone when the job has ended
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
