//! Lists in requests, with a bound on their length.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};

/// Deserialises a list of at most `MAX` elements. It stops at the next element, so a longer list
/// takes no more memory than the limit allows. Use it in
/// `#[serde(deserialize_with = "at_most::<_, _, 64>")]`.
pub fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while list.len() < MAX {
                match elements.next_element()? {
                    Some(element) => list.push(element),
                    None => return Ok(list),
                }
            }
            // Skipping an element allocates nothing.
            match elements.next_element::<IgnoredAny>()? {
                None => Ok(list),
                Some(_) => Err(A::Error::custom(format_args!("must have at most {MAX} elements"))),
            }
        }
    }

    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// As [`at_most`], for a list that may be missing or null. Needs `#[serde(default)]` as well.
pub fn optional_at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(transparent, bound = "T: Deserialize<'de>")]
    struct Bounded<T, const MAX: usize>(#[serde(deserialize_with = "at_most::<_, _, MAX>")] Vec<T>);

    let list = Option::<Bounded<T, MAX>>::deserialize(deserializer)?;
    Ok(list.map(|Bounded(list)| list))
}
