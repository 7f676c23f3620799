//! Whether different people can fill every seat: one person sits once.

use std::collections::{BTreeMap, BTreeSet};

/// Seats that cannot all be filled: more seats than people who may sit on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage<P: Ord> {
    /// Indices of the seats that compete.
    pub seats: BTreeSet<usize>,
    /// Everybody who may sit on any of them; fewer than the seats.
    pub people: BTreeSet<P>,
}

/// Gives every seat a person of its own out of those who may sit on it.
///
/// Augmenting paths (Kuhn 1955); where a seat stays empty, the seats that were tried compete for too few people (Hall 1935).
///
/// # Errors
/// The seats that compete, and the people who are too few for them.
pub fn seat<P: Ord + Clone>(seats: &[BTreeSet<P>]) -> Result<Vec<P>, Shortage<P>> {
    let mut taken: BTreeMap<P, usize> = BTreeMap::new();
    for index in 0..seats.len() {
        let mut tried = BTreeSet::new();
        if !place(index, seats, &mut taken, &mut tried) {
            let mut rivals: BTreeSet<usize> = tried
                .iter()
                .filter_map(|person| taken.get(person).copied())
                .collect();
            rivals.insert(index);
            return Err(Shortage {
                seats: rivals,
                people: tried,
            });
        }
    }
    let mut sitting: Vec<(usize, P)> = taken.into_iter().map(|(person, index)| (index, person)).collect();
    sitting.sort_by_key(|(index, _)| *index);
    Ok(sitting.into_iter().map(|(_, person)| person).collect())
}

fn place<P: Ord + Clone>(
    index: usize,
    seats: &[BTreeSet<P>],
    taken: &mut BTreeMap<P, usize>,
    tried: &mut BTreeSet<P>,
) -> bool {
    for person in &seats[index] {
        if !tried.insert(person.clone()) {
            continue;
        }
        let free = match taken.get(person).copied() {
            Some(other) => place(other, seats, taken, tried),
            None => true,
        };
        if free {
            taken.insert(person.clone(), index);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn people(ids: &[u8]) -> BTreeSet<u8> {
        ids.iter().copied().collect()
    }

    #[test]
    fn a_person_who_fits_two_seats_leaves_the_easier_one_to_others() {
        let seats = [people(&[1, 2]), people(&[1])];
        assert_eq!(seat(&seats), Ok(vec![2, 1]));
    }

    #[test]
    fn seats_that_compete_for_too_few_are_named() {
        let seats = [people(&[7]), people(&[1, 2]), people(&[1, 2]), people(&[1, 2])];
        let shortage = seat(&seats).unwrap_err();
        assert_eq!(shortage.seats, BTreeSet::from([1, 2, 3]));
        assert_eq!(shortage.people, people(&[1, 2]));
    }

    /// Tries every way, for comparison.
    fn possible(seats: &[BTreeSet<u8>], used: &mut BTreeSet<u8>) -> bool {
        let Some((first, rest)) = seats.split_first() else {
            return true;
        };
        first.iter().any(|person| {
            if !used.insert(*person) {
                return false;
            }
            let fits = possible(rest, used);
            used.remove(person);
            fits
        })
    }

    proptest! {
        #[test]
        fn seats_are_filled_exactly_when_some_way_fills_them(
            seats in prop::collection::vec(prop::collection::btree_set(0_u8..6, 0..4), 0..6)
        ) {
            match seat(&seats) {
                Ok(sitting) => {
                    let different: BTreeSet<_> = sitting.iter().collect();
                    prop_assert_eq!(different.len(), seats.len());
                    prop_assert!(sitting.iter().zip(&seats).all(|(person, seat)| seat.contains(person)));
                }
                Err(shortage) => {
                    prop_assert!(!possible(&seats, &mut BTreeSet::new()));
                    prop_assert!(shortage.people.len() < shortage.seats.len());
                    for index in &shortage.seats {
                        prop_assert!(seats[*index].is_subset(&shortage.people));
                    }
                }
            }
        }
    }
}
