//! Columns of the domain `uint64`.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row, Type};

use crate::StoreError;

/// Postgres sends and receives `numeric` as digits of this base.
const BASE: u64 = 10_000;
/// The sign field of a number that is not negative.
const POSITIVE: u16 = 0;
/// Digits of the base in [`u64::MAX`].
const MAX_DIGITS: usize = 5;

/// A value of the domain `uint64`, which is `numeric(20, 0)` because Postgres has no unsigned
/// 64-bit integer. Bind it as a parameter of type `numeric` and read it from such a column.
///
/// The codec is written here because sqlx's two decimal types would add a dependency, and a
/// conversion for each value, to support fractions that the columns can't have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uint64(pub u64);

impl Type<Postgres> for Uint64 {
    fn type_info() -> PgTypeInfo {
        // `numeric`; the OIDs of built-in types never change.
        PgTypeInfo::with_oid(Oid(1700))
    }
}

impl PgHasArrayType for Uint64 {
    fn array_type_info() -> PgTypeInfo {
        // `numeric[]`
        PgTypeInfo::with_oid(Oid(1231))
    }
}

/// The format of `numeric_recv` in Postgres: the number of digits, the exponent of the first digit,
/// the sign and the number of decimal places, each in two bytes; then the digits, two bytes each.
impl Encode<'_, Postgres> for Uint64 {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let mut digits = [0u16; MAX_DIGITS];
        let (mut rest, mut first) = (self.0, MAX_DIGITS);
        while rest > 0 {
            first -= 1;
            digits[first] = u16::try_from(rest % BASE)?;
            rest /= BASE;
        }
        let digits = &digits[first..];
        let count = u16::try_from(digits.len())?;
        for field in [count, count.saturating_sub(1), POSITIVE, 0] {
            buffer.extend_from_slice(&field.to_be_bytes());
        }
        for digit in digits {
            buffer.extend_from_slice(&digit.to_be_bytes());
        }
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Uint64 {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
            PgValueFormat::Binary => decode(value.as_bytes()?)
                .map(Self)
                .ok_or_else(|| "the number is not a 64-bit unsigned integer".into()),
        }
    }
}

/// Reads a column that is not null. A damaged value is an error; `row.get` would panic.
pub fn uint64(row: &PgRow, column: &str) -> Result<u64, StoreError> {
    optional_uint64(row, column)?.ok_or_else(|| StoreError::Damaged(format!("column {column} is null")))
}

/// Reads a column that may be null.
pub fn optional_uint64(row: &PgRow, column: &str) -> Result<Option<u64>, StoreError> {
    let number: Option<Uint64> = row
        .try_get(column)
        .map_err(|error| StoreError::Damaged(format!("column {column}: {error}")))?;
    Ok(number.map(|number| number.0))
}

/// Returns `None` for a number that is negative, has decimal places or exceeds [`u64::MAX`].
fn decode(bytes: &[u8]) -> Option<u64> {
    let (fields, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let mut fields = fields.iter().map(|field| u16::from_be_bytes(*field));
    let (count, exponent, sign, _decimal_places) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if count == 0 {
        return (sign == POSITIVE).then_some(0);
    }
    // Zeros at the end are not sent, so there can be more digits before the point than fields.
    let trailing_zeros = exponent.checked_add(1)?.checked_sub(count)?;
    if sign != POSITIVE || usize::from(exponent) >= MAX_DIGITS || fields.len() != usize::from(count) {
        return None;
    }
    let mut number = 0u64;
    for digit in fields.chain(std::iter::repeat_n(0, trailing_zeros.into())) {
        number = number.checked_mul(BASE)?.checked_add(digit.into())?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(fields: &[u16]) -> Vec<u8> {
        fields.iter().flat_map(|field| field.to_be_bytes()).collect()
    }

    #[test]
    fn every_power_of_ten_and_its_neighbours_survive_encoding() {
        let powers = (0..20).map(|exponent| 10u64.pow(exponent));
        let numbers = powers.flat_map(|power| [power - 1, power, power + 1]);
        for number in numbers.chain([u64::MAX - 1, u64::MAX]) {
            let mut buffer = PgArgumentBuffer::default();
            let is_null = Uint64(number).encode_by_ref(&mut buffer).unwrap();
            assert!(matches!(is_null, IsNull::No));
            assert_eq!(decode(&buffer), Some(number));
        }
    }

    #[test]
    fn numbers_as_postgres_sends_them_are_read() {
        assert_eq!(decode(&numeric(&[0, 0, 0, 0])), Some(0));
        assert_eq!(decode(&numeric(&[1, 1, 0, 0, 1])), Some(10_000));
        assert_eq!(
            decode(&numeric(&[2, 4, 0, 0, 1_844, 6_744])),
            Some(18_446_744_000_000_000_000)
        );
    }

    #[test]
    fn numbers_that_are_not_unsigned_64_bit_integers_are_refused() {
        // -1, NaN, 0.5, u64::MAX + 1, 10^20, no digits where one is announced, an odd length
        assert_eq!(decode(&numeric(&[1, 0, 0x4000, 0, 1])), None);
        assert_eq!(decode(&numeric(&[0, 0, 0xc000, 0])), None);
        assert_eq!(decode(&numeric(&[1, 0xffff, 0, 1, 5_000])), None);
        assert_eq!(
            decode(&numeric(&[5, 4, 0, 0, 1_844, 6_744, 737, 955, 1_616])),
            None
        );
        assert_eq!(decode(&numeric(&[1, 5, 0, 0, 1])), None);
        assert_eq!(decode(&numeric(&[1, 0, 0, 0])), None);
        assert_eq!(decode(&[0, 1, 0]), None);
    }
}
