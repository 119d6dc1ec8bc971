-- What analysts read has no count below anonymity_threshold(). An hour with a single use of a claim
-- says when one member used it, and the changes of a track by day add up to its former sizes, however
-- small. So analysts read these views in place of the tables. A security barrier keeps functions of
-- the reader from seeing the other rows.

-- The verifications of a scope with one claim in an hour. Columns of small counts are null; those of
-- the anonymity sets are null together, because they add up to the verifications.
CREATE VIEW verifications_by_hour_for_analysts WITH (security_barrier) AS
SELECT scope_id, claim, hour, track_id, verifications,
       CASE WHEN refused = 0 OR refused >= k THEN refused END AS refused,
       CASE WHEN show THEN small_anonymity_sets END AS small_anonymity_sets,
       CASE WHEN show THEN anonymity_sets END AS anonymity_sets,
       CASE WHEN show THEN anonymity_set_sum END AS anonymity_set_sum,
       CASE WHEN show THEN anonymity_set_min END AS anonymity_set_min
FROM verifications_by_hour,
     LATERAL (SELECT anonymity_threshold() AS k) threshold,
     LATERAL (SELECT (small_anonymity_sets = 0 OR small_anonymity_sets >= k)
                 AND (anonymity_sets = 0 OR anonymity_sets >= k) AS show) sets
WHERE verifications >= k;

-- The same by day. A day is left out if the hours that are left out have a small count together,
-- because the difference would show it.
CREATE VIEW verifications_by_day_for_analysts WITH (security_barrier) AS
SELECT scope_id, claim, day, track_id, verifications,
       CASE WHEN refused = 0 OR refused >= k THEN refused END AS refused,
       CASE WHEN show THEN small_anonymity_sets END AS small_anonymity_sets,
       CASE WHEN show THEN anonymity_sets END AS anonymity_sets,
       CASE WHEN show THEN anonymity_set_sum END AS anonymity_set_sum,
       CASE WHEN show THEN anonymity_set_min END AS anonymity_set_min
FROM verifications_by_day d,
     LATERAL (SELECT anonymity_threshold() AS k) threshold,
     LATERAL (SELECT (small_anonymity_sets = 0 OR small_anonymity_sets >= k)
                 AND (anonymity_sets = 0 OR anonymity_sets >= k) AS show) sets,
     LATERAL (SELECT coalesce(sum(h.verifications), 0) AS hidden FROM verifications_by_hour h
              WHERE h.scope_id = d.scope_id AND h.claim = d.claim AND h.verifications < k
                AND h.hour >= d.day AND h.hour < d.day + interval '24 hours') hours
WHERE verifications >= k AND (hidden = 0 OR hidden >= k);

-- The changes of a track in a day, if the track had enough tokens throughout the day. Earlier days
-- may be left out, so the rows of a track do not add up to its size.
CREATE VIEW growth_by_day_for_analysts WITH (security_barrier) AS
SELECT registry_id, track_id, day, registered, renewed, evicted
FROM (SELECT *, sum(registered - evicted) OVER (PARTITION BY registry_id, track_id ORDER BY day) AS tokens
      FROM growth_by_day) g
-- The least number of tokens that the track can have had in the day.
WHERE tokens - registered >= anonymity_threshold();

REVOKE SELECT ON verifications_by_hour, verifications_by_day, growth_by_day FROM bauta_analytics;
GRANT SELECT ON verifications_by_hour_for_analysts, verifications_by_day_for_analysts, growth_by_day_for_analysts
    TO bauta_analytics;
