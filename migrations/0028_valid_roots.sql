-- As before, but the type of the result does not belong to the table, so that another table can take
-- the place of this one in a rebuild.
DROP FUNCTION valid_roots(integer, timestamptz);
CREATE FUNCTION valid_roots(of_registry integer, at timestamptz) RETURNS TABLE (
    registry_id integer, sequence bigint, root field_element, leaf_count bigint, stored boolean, created_at timestamptz,
    replaced_at timestamptz, valid_until timestamptz, first_used_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT r.registry_id, r.sequence, r.root, r.leaf_count, r.stored, r.created_at, r.replaced_at, r.valid_until,
           r.first_used_at
    FROM roots r
    WHERE r.registry_id = of_registry
      AND (r.replaced_at IS NULL
           OR r.valid_until > at
           OR EXISTS (SELECT 1 FROM scopes s
                      WHERE s.registry_id = r.registry_id AND s.root_sequence = r.sequence
                        AND s.status = 'open' AND s.closes_at > extract(epoch FROM at)))
$$;
