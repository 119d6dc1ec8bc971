-- The events with their commitment level: confirmed by the votes of the cluster, or finalized,
-- which means that no fork can undo them.
CREATE VIEW events_with_commitment AS
SELECT e.*, CASE WHEN e.slot <= f.slot THEN 'finalized' ELSE 'confirmed' END AS commitment
FROM events e LEFT JOIN finality f ON true;

GRANT SELECT ON events_with_commitment TO bauta_indexer, bauta_api;
