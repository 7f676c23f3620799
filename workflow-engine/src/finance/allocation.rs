//! Splitting an amount so that the parts are whole minor units and their sum is exact.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use super::exact::Exact;

/// Splits `total_minor` (cents) by weight: floors first, then one unit each to the largest remainders, ties by id in
/// byte order. A negative total mirrors the positive one. A receiver without weight gets 0.
///
/// None when the weights sum to 0, or one is negative: there is nothing to split by.
#[must_use]
pub fn allocate(total_minor: i64, weights: &BTreeMap<String, Exact>) -> Option<BTreeMap<String, i64>> {
    let sum: Exact = weights.values().sum();
    if sum.is_zero() || weights.values().any(Signed::is_negative) {
        return None;
    }
    let total = BigInt::from(total_minor.unsigned_abs());
    let mut parts: Vec<(&String, BigInt, Exact)> = weights
        .iter()
        .map(|(id, weight)| {
            let share = Exact::from_integer(total.clone()) * weight / &sum;
            let floor = share.floor().to_integer();
            let rest = share - Exact::from_integer(floor.clone());
            (id, floor, rest)
        })
        .collect();
    let given: BigInt = parts.iter().map(|(_, floor, _)| floor).sum();
    let left = (&total - given).to_usize()?;
    parts.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(b.0)));
    for (_, floor, _) in parts.iter_mut().take(left) {
        *floor += 1;
    }
    parts
        .into_iter()
        .map(|(id, units, _)| {
            let units = if total_minor < 0 { -units } else { units };
            Some((id.clone(), units.to_i64()?))
        })
        .collect()
}

/// A fee for provisioned capacity, split by use.
#[derive(Clone, Debug, PartialEq)]
pub struct Provisioned {
    /// What each user pays for what it used.
    pub used: BTreeMap<String, Exact>,
    /// What nobody used; the owner of the capacity pays it, on a line of its own.
    pub unused: Exact,
    /// Share of the capacity that was used, at most 1.
    pub utilisation: Exact,
}

/// Splits `fee` by capacity hours consumed, and keeps what was not used apart. Use above the capacity leaves nothing
/// unused and splits the whole fee. None when there is neither capacity nor use.
#[must_use]
pub fn provisioned(fee: &Exact, capacity: &Exact, consumed: &BTreeMap<String, Exact>) -> Option<Provisioned> {
    let sum: Exact = consumed.values().sum();
    let base = capacity.max(&sum);
    if !base.is_positive() || capacity.is_negative() || consumed.values().any(Signed::is_negative) {
        return None;
    }
    let used: BTreeMap<String, Exact> = consumed
        .iter()
        .map(|(id, hours)| (id.clone(), fee * hours / base))
        .collect();
    let unused = fee - used.values().sum::<Exact>();
    Some(Provisioned {
        used,
        unused,
        utilisation: &sum / base,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_parts_sum_to_the_total_and_none_is_a_unit_off(
            total in -1_000_000_000_i64..1_000_000_000,
            weights in proptest::collection::btree_map("[a-z]{1,4}", 0_u32..10_000, 1..20),
        ) {
            let weights: BTreeMap<String, Exact> = weights
                .into_iter()
                .map(|(id, weight)| (id, Exact::from_integer(weight.into())))
                .collect();
            let sum: Exact = weights.values().sum();
            match allocate(total, &weights) {
                None => prop_assert!(sum.is_zero()),
                Some(parts) => {
                    prop_assert_eq!(parts.values().sum::<i64>(), total);
                    for (id, part) in &parts {
                        let share = Exact::from_integer(total.into()) * &weights[id] / &sum;
                        let off = (Exact::from_integer((*part).into()) - share).abs();
                        prop_assert!(off < Exact::from_integer(1.into()));
                    }
                    let mirrored = allocate(-total, &weights).unwrap_or_default();
                    prop_assert!(parts.iter().all(|(id, part)| mirrored[id] == -part));
                }
            }
        }
    }
}
