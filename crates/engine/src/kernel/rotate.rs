//! Turning pairs of numbers of a head by an angle, both ways.

use super::every_isa::every_isa;

every_isa! {
    /// For each head of `heads` (`D` numbers each, side by side) and each `i < D / 2`, turns the
    /// numbers `i` and `i + D / 2` by the angle whose cosine and sine are given, times `direction`:
    /// 1 forward, -1 back.
    pub fn rotate(heads: &mut [f32], cosines: &[f32], sines: &[f32], direction: f32) {
        let half = cosines.len();
        for head in heads.chunks_exact_mut(2 * half) {
            let (left, right) = head.split_at_mut(half);
            let angles = cosines.iter().zip(sines);
            for ((left, right), (cosine, sine)) in left.iter_mut().zip(right).zip(angles) {
                let sine = direction * sine;
                (*left, *right) = (
                    *left * cosine - *right * sine,
                    *right * cosine + *left * sine,
                );
            }
        }
    }
}
