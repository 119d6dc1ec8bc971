-- The anonymity set of a single verification says how well its proof hid the member. A set of 1
-- says who it was, so small sets are counted but not kept.

-- The smallest anonymity set that is recorded for a verification.
CREATE FUNCTION anonymity_threshold() RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 10 $$;

-- The number of verifications whose anonymity set is known and below the threshold.
-- anonymity_sets, anonymity_set_sum and anonymity_set_min have only the others.
ALTER TABLE verifications_by_hour ADD COLUMN small_anonymity_sets bigint NOT NULL DEFAULT 0
    CHECK (small_anonymity_sets >= 0);
ALTER TABLE verifications_by_day ADD COLUMN small_anonymity_sets bigint NOT NULL DEFAULT 0
    CHECK (small_anonymity_sets >= 0);

-- A claim whose anonymity set is known is a track, so the track identifies the claim in its scope.
UPDATE verifications_by_hour r
SET small_anonymity_sets = v.small, anonymity_sets = v.known, anonymity_set_sum = v.sum, anonymity_set_min = v.min
FROM (SELECT scope_id, track_id, date_trunc('hour', timestamp, 'UTC') AS hour,
             count(*) FILTER (WHERE anonymity_set < anonymity_threshold()) AS small,
             count(*) FILTER (WHERE anonymity_set >= anonymity_threshold()) AS known,
             coalesce(sum(anonymity_set) FILTER (WHERE anonymity_set >= anonymity_threshold()), 0) AS sum,
             min(anonymity_set) FILTER (WHERE anonymity_set >= anonymity_threshold()) AS min
      FROM verifications WHERE anonymity_set IS NOT NULL GROUP BY 1, 2, 3) v
WHERE r.scope_id = v.scope_id AND r.track_id = v.track_id AND r.hour = v.hour;
UPDATE verifications_by_day r
SET small_anonymity_sets = v.small, anonymity_sets = v.known, anonymity_set_sum = v.sum, anonymity_set_min = v.min
FROM (SELECT scope_id, track_id, date_trunc('day', timestamp, 'UTC') AS day,
             count(*) FILTER (WHERE anonymity_set < anonymity_threshold()) AS small,
             count(*) FILTER (WHERE anonymity_set >= anonymity_threshold()) AS known,
             coalesce(sum(anonymity_set) FILTER (WHERE anonymity_set >= anonymity_threshold()), 0) AS sum,
             min(anonymity_set) FILTER (WHERE anonymity_set >= anonymity_threshold()) AS min
      FROM verifications WHERE anonymity_set IS NOT NULL GROUP BY 1, 2, 3) v
WHERE r.scope_id = v.scope_id AND r.track_id = v.track_id AND r.day = v.day;
UPDATE verifications SET anonymity_set = NULL WHERE anonymity_set < anonymity_threshold();

-- The present number of distinct owners with a live token in a track, however small. It warns
-- members before they prove. The history of these numbers, together with the time of a
-- verification, would show the small sets again. So readers get only this function.
CREATE FUNCTION present_anonymity_set(of_registry integer, of_track uint64) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT owners FROM anonymity_sets WHERE registry_id = of_registry AND track_id = of_track
    ORDER BY since_sequence DESC LIMIT 1
$$;
REVOKE ALL ON FUNCTION present_anonymity_set FROM public;
GRANT EXECUTE ON FUNCTION present_anonymity_set TO bauta_indexer, bauta_api;
REVOKE SELECT ON anonymity_sets FROM bauta_api;

-- A role for analysts. It reads what cannot be linked to a single transaction: not the signatures,
-- not the nullifiers, whose accounts' addresses lead to the transactions, and not the positions and
-- times of single events.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bauta_analytics') THEN
        CREATE ROLE bauta_analytics NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server is migrated at the same time
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO bauta_analytics', current_schema());
END $$;
GRANT SELECT ON cluster, config, circuits, registries, collections, scopes, verifications_by_hour, verifications_by_day,
    growth_by_day, checkpoint, finality, _sqlx_migrations, schema_compatibility TO bauta_analytics;
GRANT EXECUTE ON FUNCTION present_anonymity_set TO bauta_analytics;
