//! The length of a gradient over all that is trained, and its limit.

use rayon::prelude::*;
use skillbelt_engine::{Grads, Param};

/// The length over these parameters. Sums are made in f64, one for each parameter and then over
/// these in their order, so that it is the same on any number of threads.
pub fn norm(params: &[Param], grads: &Grads) -> f64 {
    let of_one = |param| grads.get(param).map_or(0.0, |grad| squares(grad.data()));
    let each: Vec<f64> = params.par_iter().map(of_one).collect();
    each.iter().sum::<f64>().sqrt()
}

fn squares(numbers: &[f32]) -> f64 {
    numbers.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()
}

/// Shortens gradients of this length to `limit`, if they are longer; 0 is no limit.
pub fn clip(grads: &mut Grads, norm: f64, limit: f64) {
    if limit > 0.0 && norm > limit {
        let factor = (limit / (norm + 1e-6)) as f32;
        grads.iter_mut().for_each(|grad| grad.scale(factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_engine::Mat;

    #[test]
    fn only_gradients_over_the_limit_are_shortened() {
        let params = [
            Param::trained("a", Mat::row_vector(vec![0.0; 2])),
            Param::trained("b", Mat::row_vector(vec![0.0])),
        ];
        let mut grads = Grads::new();
        grads.add(&params[0], Mat::row_vector(vec![2.0, 3.0]));
        grads.add(&params[1], Mat::row_vector(vec![6.0]));
        let length = norm(&params, &grads);
        assert_eq!(length, 7.0);
        clip(&mut grads, length, 0.0);
        clip(&mut grads, length, 8.0);
        assert_eq!(norm(&params, &grads), 7.0);
        clip(&mut grads, length, 1.0);
        assert!((norm(&params, &grads) - 1.0).abs() < 1e-6);
    }
}
