//! Pages of lists.

use bauta_service_common::InvalidField;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{cursor, parameters::page_size};

/// Largest number of elements of a page.
pub const MAX_PAGE: u16 = 100;
/// Largest number of elements of a page of holdings or nullifiers. A prefix of the largest allowed
/// length has about 256, so that one page usually has all of them.
pub const MAX_PREFIX_PAGE: u16 = 1_024;

/// The parameters of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Largest number of elements. The default is 100.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
    /// The `next` of the previous page, with the same filters.
    pub cursor: Option<String>,
}

/// A page that is being read: its size, and the key that it begins after.
pub struct Request<'a, const N: usize> {
    filters: &'a [&'a str],
    size: u16,
    /// The key of the last element of the previous page.
    pub after: Option<[u8; N]>,
}

impl<'a, const N: usize> Request<'a, N> {
    /// Checks the parameters of a list with these filters. The first filter names the list.
    pub fn new(
        filters: &'a [&'a str],
        limit: Option<u16>,
        largest: u16,
        cursor: Option<&str>,
    ) -> Result<Self, InvalidField> {
        Ok(Self {
            filters,
            size: page_size(limit, largest)?,
            after: cursor::decode(filters, cursor)?,
        })
    }

    /// Returns how many elements to read: one more than the page has, to know whether there is a
    /// next page.
    pub const fn wanted(&self) -> u16 {
        self.size + 1
    }

    /// Cuts the elements to the page. Returns the cursor of the next page, if there is one.
    pub fn cut<T>(&self, elements: &mut Vec<T>, key: impl Fn(&T) -> [u8; N]) -> Option<String> {
        let size = usize::from(self.size);
        let has_next = elements.len() > size;
        elements.truncate(size);
        let last = elements.last().filter(|_| has_next)?;
        Some(cursor::encode(self.filters, &key(last)))
    }
}
