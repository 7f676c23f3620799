//! Numbers the clusters of traces, where there are any.

use std::collections::HashMap;

/// The cluster of each trace as a number from 0, or `None` where no key is given twice: then traces stand alone.
/// A trace without a key is a cluster of its own.
pub(super) fn numbered<'a>(keys: impl Iterator<Item = Option<&'a str>>) -> Option<Vec<usize>> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let (mut next, mut repeated) = (0, false);
    let numbers = keys
        .map(|key| {
            if let Some(number) = key.and_then(|key| known.get(key)) {
                repeated = true;
                return *number;
            }
            if let Some(key) = key {
                known.insert(key, next);
            }
            next += 1;
            next - 1
        })
        .collect();
    repeated.then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_count_only_when_one_is_given_twice() {
        assert_eq!(numbered([Some("a"), None, Some("b")].into_iter()), None);
        assert_eq!(
            numbered([Some("a"), None, None, Some("a")].into_iter()),
            Some(vec![0, 1, 2, 0])
        );
    }
}
