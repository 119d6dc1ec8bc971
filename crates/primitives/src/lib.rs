//! Field elements, encodings, Poseidon, identities, leaves, nullifiers, scopes and contexts of the Bauta protocol.
