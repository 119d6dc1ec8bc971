//! Conversion between the protocol's field elements and those of arkworks.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use bauta_primitives::FieldElement;

/// Converts an element to arkworks's type.
pub(crate) fn to_ark(element: FieldElement) -> Fr {
    // A field element is canonical, so nothing is reduced.
    Fr::from_be_bytes_mod_order(element.as_bytes())
}

/// Converts an element to the protocol's type.
pub(crate) fn from_ark(element: Fr) -> FieldElement {
    let bytes = element
        .into_bigint()
        .to_bytes_be()
        .try_into()
        .expect("Fr has 32 bytes");
    FieldElement::from_bytes("element", bytes).expect("arkworks's integer form is canonical")
}
