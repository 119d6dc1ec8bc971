-- Each event with how certain it is: confirmed by the cluster's votes, or finalized, so that no fork can undo it any more.
CREATE VIEW events_with_commitment AS
SELECT e.*, CASE WHEN e.slot <= f.slot THEN 'finalized' ELSE 'confirmed' END AS commitment
FROM events e LEFT JOIN finality f ON true;

GRANT SELECT ON events_with_commitment TO bauta_indexer, bauta_api;
