//! Between the protocol's field elements and arkworks'.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use bauta_primitives::FieldElement;

/// The same element for arkworks.
pub(crate) fn to_ark(element: FieldElement) -> Fr {
    // a field element is canonical, so nothing is reduced
    Fr::from_be_bytes_mod_order(element.as_bytes())
}

/// The same element for the protocol.
pub(crate) fn from_ark(element: Fr) -> FieldElement {
    let bytes = element
        .into_bigint()
        .to_bytes_be()
        .try_into()
        .expect("Fr has 32 bytes");
    FieldElement::from_bytes("element", bytes).expect("arkworks' integer form is canonical")
}
