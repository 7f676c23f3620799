//! Many tests at once: Holm for blame, Benjamini–Hochberg for exploration.

/// Holm (1979): adjusted p-values that keep the chance of any false alarm below the level, in the given order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut floor: f64 = 0.0;
    for (place, index) in ascending(p).into_iter().enumerate() {
        floor = floor.max((p[index] * (p.len() - place) as f64).min(1.0));
        adjusted[index] = floor;
    }
    adjusted
}

/// Benjamini & Hochberg (1995): adjusted p-values that keep the share of false discoveries below the level.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut ceiling: f64 = 1.0;
    for (place, index) in ascending(p).into_iter().enumerate().rev() {
        ceiling = ceiling.min(p[index] * p.len() as f64 / (place + 1) as f64);
        adjusted[index] = ceiling;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|one, other| p[*one].total_cmp(&p[*other]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{close, load, numbers};

    #[test]
    fn four_tests_by_hand() {
        for (got, expected) in holm(&[0.01, 0.04, 0.03, 0.005])
            .into_iter()
            .zip([0.03, 0.06, 0.06, 0.02])
        {
            close(got, expected, 1e-12);
        }
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn known_answers_of_adjusted_p_values() {
        let Some(file) = load("stats/multiplicity.json") else {
            return;
        };
        for case in file["cases"].as_array().expect("cases") {
            let p = numbers(&case["p"]);
            for (got, expected) in holm(&p).into_iter().zip(numbers(&case["holm"])) {
                close(got, expected, 1e-9);
            }
            for (got, expected) in benjamini_hochberg(&p).into_iter().zip(numbers(&case["bh"])) {
                close(got, expected, 1e-9);
            }
        }
    }
}
