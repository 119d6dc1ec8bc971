-- Tickets for websockets and event streams of browsers, which can't send an API key. A ticket is
-- valid for seconds and is deleted when it is used. The table has no write-ahead log, because it
-- may be lost.
CREATE UNLOGGED TABLE tickets (
    hash sha256_hash PRIMARY KEY,       -- SHA-256 of the ticket, which has 256 random bits
    prefix text NOT NULL,               -- the API key that it was issued for
    owner text NOT NULL,
    subject text NOT NULL,              -- the id of the job or of the request
    origin text NOT NULL,               -- the origin of the web page that may use it
    expires_at timestamptz NOT NULL
);
CREATE INDEX tickets_by_owner ON tickets (owner);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

GRANT SELECT, INSERT, DELETE ON tickets TO bauta_api, bauta_prover;
