-- The types of values. A domain enforces its rule in every column that has it.

-- A number below r, the order of the groups of BN254, as 32 bytes in big-endian order. Postgres
-- compares bytea byte by byte. For values of the same length, this is the order of the numbers.
CREATE DOMAIN field_element AS bytea CONSTRAINT field_element_is_canonical CHECK (
    octet_length(VALUE) = 32
    AND VALUE < '\x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001'::bytea
);

CREATE DOMAIN address AS bytea CONSTRAINT address_has_32_bytes CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN sha256_hash AS bytea CONSTRAINT sha256_hash_has_32_bytes CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN transaction_signature AS bytea
    CONSTRAINT transaction_signature_has_64_bytes CHECK (octet_length(VALUE) = 64);
CREATE DOMAIN uint64 AS numeric(20, 0)
    CONSTRAINT uint64_is_in_range CHECK (VALUE BETWEEN 0 AND 18446744073709551615);
CREATE DOMAIN tree_depth AS smallint CONSTRAINT tree_depth_is_known CHECK (VALUE IN (10, 16));

CREATE DOMAIN registry_kind AS text
    CONSTRAINT registry_kind_is_known CHECK (VALUE IN ('holders', 'managed', 'attested'));
CREATE DOMAIN scope_mode AS text CONSTRAINT scope_mode_is_known CHECK (VALUE IN ('snapshot', 'live'));
CREATE DOMAIN scope_status AS text CONSTRAINT scope_status_is_known CHECK (VALUE IN ('open', 'closed'));
CREATE DOMAIN circuit_provenance AS text
    CONSTRAINT circuit_provenance_is_known CHECK (VALUE IN ('development', 'ceremony'));
CREATE DOMAIN circuit_status AS text
    CONSTRAINT circuit_status_is_known CHECK (VALUE IN ('active', 'retired'));
