//! Views for reading: what lists, pages and the API show. Nothing here decides or writes.

pub mod change;
pub mod change_view;
pub mod inbox;
pub mod list;
mod pairs;
pub mod people;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One page of a list. Pass `next_cursor` back as `cursor` for the next one.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of `rows`, which were asked for with one more than `limit`.
    #[must_use]
    pub fn of(mut rows: Vec<T>, limit: u64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Self {
            items: rows,
            next_cursor,
        }
    }
}

/// Stored milliseconds as a time.
#[must_use]
pub fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_where_the_next_one_begins() {
        let page = Page::of(vec![9, 8, 7], 2, ToString::to_string);
        assert_eq!((page.items, page.next_cursor.as_deref()), (vec![9, 8], Some("8")));
        assert_eq!(Page::of(vec![9], 2, ToString::to_string).next_cursor, None);
    }
}
