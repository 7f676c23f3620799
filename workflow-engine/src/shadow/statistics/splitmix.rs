//! SplitMix64 (Steele, Lea & Flood 2014): the random numbers of the bootstrap, the same on every machine.

/// A SplitMix64 stream. Not for secrets.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A stream that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`: (next·n) >> 64. The bias is below n/2⁶⁴.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::load;

    #[test]
    fn the_published_outputs_of_seed_1234567() {
        let mut stream = SplitMix64::new(1_234_567);
        let published = [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for expected in published {
            assert_eq!(stream.next_u64(), expected);
        }
    }

    #[test]
    fn known_answers_of_seed_42() {
        let Some(file) = load("stats/bootstrap.json") else {
            return;
        };
        let mut stream = SplitMix64::new(42);
        for expected in file["seed42_u64"].as_array().expect("numbers") {
            assert_eq!(stream.next_u64().to_string(), expected.as_str().expect("digits"));
        }
        let mut stream = SplitMix64::new(42);
        for expected in file["seed42_below10"].as_array().expect("numbers") {
            assert_eq!(stream.below(10) as u64, expected.as_u64().expect("a digit"));
        }
    }
}
