//! Randomness without state: a number is a function of (seed, step, place, index), so the same
//! numbers come again in a recomputed block, on any number of threads, after any resume.

/// A stream of random numbers for one place of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of a named place in a step.
    pub fn new(seed: u64, step: u64, place: &str) -> Stream {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in place.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Stream {
            key: mix(mix(mix(seed) ^ step) ^ hash),
        }
    }

    /// 64 random bits.
    #[inline(always)]
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key ^ mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// Uniform in `[0, 1)`, with 24 random bits.
    #[inline(always)]
    pub fn uniform(self, index: u64) -> f32 {
        // By way of i32, which every instruction set has vectors for.
        (self.bits(index) >> 40) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Standard normal (Box and Muller).
    pub fn normal(self, index: u64) -> f32 {
        let bits = self.bits(index);
        let radius = ((bits >> 32) as f64 + 1.0) / (1u64 << 32) as f64;
        let angle = (bits & 0xffff_ffff) as f64 / (1u64 << 32) as f64;
        ((-2.0 * radius.ln()).sqrt() * (angle * std::f64::consts::TAU).cos()) as f32
    }
}

/// A bijection of 64 bits that spreads every input bit over all output bits.
#[inline(always)]
fn mix(mut x: u64) -> u64 {
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_gives_the_same_numbers_and_another_place_others() {
        let here = Stream::new(1, 2, "layer.0");
        assert_eq!(here.bits(7), Stream::new(1, 2, "layer.0").bits(7));
        assert_ne!(here.bits(7), Stream::new(1, 3, "layer.0").bits(7));
        assert_ne!(here.bits(7), Stream::new(1, 2, "layer.1").bits(7));
    }

    #[test]
    fn uniform_and_normal_numbers_have_their_moments() {
        let stream = Stream::new(5, 0, "moments");
        let count = 200_000u64;
        let mean = |f: &dyn Fn(u64) -> f64| (0..count).map(f).sum::<f64>() / count as f64;
        assert!((mean(&|i| f64::from(stream.uniform(i))) - 0.5).abs() < 0.005);
        assert!(mean(&|i| f64::from(stream.normal(i))).abs() < 0.01);
        assert!((mean(&|i| f64::from(stream.normal(i)).powi(2)) - 1.0).abs() < 0.02);
    }
}
