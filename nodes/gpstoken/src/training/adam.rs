//! Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), on numbers in the host's memory.

use rayon::prelude::*;

/// Settings of the optimiser.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// The part of the first moment that a step keeps.
    pub beta1: f32,
    /// The part of the second moment that a step keeps.
    pub beta2: f32,
    /// A small number that is added to the root of the second moment.
    pub epsilon: f32,
    /// The part of a weight that a step takes away, in units of the learning rate.
    pub weight_decay: f32,
}

/// The optimiser's moments of a parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Moving average of the gradient.
    pub first: Vec<f32>,
    /// Moving average of the gradient's square.
    pub second: Vec<f32>,
}

impl Adam {
    /// Settings with the moments and the epsilon of all trainings, and this weight decay.
    pub fn with_decay(weight_decay: f32) -> Self {
        Self { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay }
    }

    /// VQGAN's settings for its discriminator (Esser et al. 2021). The memory is short because the judged pictures change.
    pub fn of_discriminator() -> Self {
        Self { beta1: 0.5, beta2: 0.9, ..Self::with_decay(0.0) }
    }

    /// What the moments are divided by in a step, which counts from 1: they begin at 0, so the first ones are too small.
    pub fn corrections(&self, step: u64) -> [f32; 2] {
        [self.beta1, self.beta2].map(|beta| (1.0 - f64::from(beta).powf(step as f64)) as f32)
    }

    /// Moves the weights against the gradient. `step` counts from 1.
    pub fn update(&self, weights: &mut [f32], moments: &mut Moments, gradient: &[f32], rate: f32, step: u64) {
        let Self { beta1, beta2, epsilon, weight_decay } = *self;
        let [correction1, correction2] = self.corrections(step);
        let numbers = weights.par_iter_mut().zip(&mut moments.first).zip(&mut moments.second).zip(gradient);
        numbers.with_min_len(1 << 14).for_each(|(((weight, first), second), g)| {
            *first = beta1 * *first + (1.0 - beta1) * g;
            *second = beta2 * *second + (1.0 - beta2) * g * g;
            let moved = (*first / correction1) / ((*second / correction2).sqrt() + epsilon);
            *weight -= rate * (moved + weight_decay * *weight);
        });
    }
}

/// The learning rate of a step. The rate rises linearly during the warm-up, then falls along half a cosine to a hundredth of the
/// highest rate at the last step.
pub fn learning_rate(highest: f32, step: u64, warm_up: u64, steps: u64) -> f32 {
    if step < warm_up {
        return highest * (step + 1) as f32 / warm_up as f32;
    }
    let done = (step - warm_up) as f64 / (steps.saturating_sub(warm_up).max(1)) as f64;
    let cosine = 0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos();
    (f64::from(highest) * (0.01 + 0.99 * cosine)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_minimises_a_bowl_and_its_first_step_has_the_length_of_the_rate() {
        let adam = Adam::with_decay(0.0);
        let mut weights = vec![3.0, -2.0];
        let mut moments = Moments { first: vec![0.0; 2], second: vec![0.0; 2] };
        let gradient = |w: &[f32]| vec![2.0 * w[0], 8.0 * w[1]];
        adam.update(&mut weights, &mut moments, &gradient(&[3.0, -2.0]), 0.1, 1);
        // In the first step, the corrected moments reduce any gradient to its sign.
        assert!((weights[0] - 2.9).abs() < 1e-5 && (weights[1] + 1.9).abs() < 1e-5);
        for step in 2..400 {
            let g = gradient(&weights);
            adam.update(&mut weights, &mut moments, &g, 0.1, step);
        }
        assert!(weights.iter().all(|w| w.abs() < 1e-2), "{weights:?}");
    }

    #[test]
    fn the_learning_rate_rises_and_falls() {
        let rates: Vec<f32> = (0..100).map(|step| learning_rate(1.0, step, 10, 100)).collect();
        assert_eq!((rates[0], rates[9], rates[10]), (0.1, 1.0, 1.0));
        assert!(rates[10..].windows(2).all(|pair| pair[1] < pair[0]) && rates[99] < 0.02);
    }
}
