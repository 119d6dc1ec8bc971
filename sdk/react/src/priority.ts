/** The priority of a proof: lower numbers are proved first. Pages that a server renders read it. */
export const ProofPriority = { high: 1, normal: 5, low: 9 } as const;
