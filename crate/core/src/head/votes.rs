//! What nearest neighbours say: a class scores by the examples of it that are nearest.

/// The votes of a head whose hidden units are examples.
///
/// The score of a class is `weight * log(mean(exp(unit)))` over the `nearest` largest of its own units. With units that are
/// cosines times a sharpness this is a vote weighted by closeness, as in Wu, Xiong, Yu, Lin 2018 ("Unsupervised feature
/// learning via non-parametric instance discrimination", section 3.4), but each class is asked for its own nearest: so every
/// class has a score, and one with more examples counts no more. With one neighbour the nearest example of all wins.
pub struct Votes {
    nearest: usize,
    /// The units of each class, and what its score is multiplied by.
    classes: Vec<(Vec<usize>, f32)>,
}

impl Votes {
    /// Of no units yet.
    pub fn new(nearest: usize, classes: usize) -> Self {
        Self { nearest, classes: vec![(Vec::new(), 1.0); classes] }
    }

    /// Adds a unit of a class.
    pub fn add(&mut self, unit: usize, class: usize) {
        self.classes.iter_mut().skip(class).take(1).for_each(|(own, _)| own.push(unit));
    }

    /// Of the output layer of a head: a unit is of the classes to which its weight is above zero.
    ///
    /// # Shapes
    /// `weights`: `[units, classes]`
    pub fn of_layer(nearest: usize, weights: &[f32], classes: usize) -> Self {
        let of = |class: usize| {
            let column = weights.iter().skip(class).step_by(classes.max(1));
            let own = column.enumerate().filter(|(_, weight)| **weight > 0.0);
            let weight = own.clone().next().map_or(1.0, |(_, weight)| *weight);
            (own.map(|(unit, _)| unit).collect(), weight)
        };
        Self { nearest, classes: (0..classes).map(of).collect() }
    }

    /// How many of each class vote.
    pub fn nearest(&self) -> usize {
        self.nearest
    }

    /// The units of each class, and what its score is multiplied by.
    pub fn classes(&self) -> &[(Vec<usize>, f32)] {
        &self.classes
    }

    /// The score of each class; zero of one without units, as of a cosine of zero.
    pub fn scores(&self, units: &[f32]) -> Vec<f32> {
        let score = |class: usize| {
            let (near, weight) = self.near(units, class);
            let Some((_, most)) = near.first().copied() else { return 0.0 };
            let sum: f32 = near.iter().map(|(_, value)| libm::expf(value - most)).sum();
            weight * (most + libm::logf(sum / near.len() as f32))
        };
        (0..self.classes.len()).map(score).collect()
    }

    /// What the score of a class changes by with each unit.
    pub fn sensitivity(&self, units: &[f32], class: usize) -> Vec<f32> {
        let (near, weight) = self.near(units, class);
        let most = near.first().map_or(0.0, |(_, most)| *most);
        let sum: f32 = near.iter().map(|(_, value)| libm::expf(value - most)).sum();
        let mut shares = vec![0.0; units.len()];
        for (unit, value) in near {
            let share = weight * libm::expf(value - most) / sum;
            shares.iter_mut().skip(unit).take(1).for_each(|to| *to = share);
        }
        shares
    }

    /// The nearest units of a class, the nearest first, and its weight.
    fn near(&self, units: &[f32], class: usize) -> (Vec<(usize, f32)>, f32) {
        let Some((own, weight)) = self.classes.get(class) else { return (Vec::new(), 1.0) };
        let mut near: Vec<(usize, f32)> = Vec::with_capacity(self.nearest + 1);
        for (unit, value) in own.iter().filter_map(|unit| Some((*unit, *units.get(*unit)?))) {
            let place = near.iter().take_while(|(_, nearer)| *nearer >= value).count();
            if place < self.nearest {
                near.insert(place, (unit, value));
                near.truncate(self.nearest);
            }
        }
        (near, *weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [f32; 6] = [3.0, 1.0, 2.0, 2.5, 0.0, 9.0];

    /// Two classes and one without units; the last unit is of none.
    fn votes(nearest: usize) -> Votes {
        let weights =
            [0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0];
        Votes::of_layer(nearest, &weights, 3)
    }

    #[test]
    fn a_class_scores_by_its_own_nearest() {
        assert_eq!(votes(1).scores(&UNITS), [1.5, 1.25, 0.0]);
        let of = |values: &[f32]| {
            0.5 * (values.iter().map(|value| value.exp()).sum::<f32>() / values.len() as f32).ln()
        };
        for (nearest, first) in [(2, of(&[3.0, 2.0])), (3, of(&[3.0, 2.0, 1.0])), (5, of(&[3.0, 2.0, 1.0]))] {
            let found = votes(nearest).scores(&UNITS);
            assert!(
                (found[0] - first).abs() < 1e-6 && (found[1] - of(&[2.5, 0.0])).abs() < 1e-6,
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_sensitivity_is_the_slope_of_the_score() {
        for class in 0..3 {
            let found = votes(2).sensitivity(&UNITS, class);
            for (unit, slope) in found.iter().enumerate() {
                let score = |by: f32| {
                    let mut units = UNITS;
                    units[unit] += by;
                    votes(2).scores(&units)[class]
                };
                let expected = (score(1e-2) - score(-1e-2)) / 2e-2;
                assert!((slope - expected).abs() < 1e-3, "{class} {unit}: {slope} {expected}");
            }
        }
    }
}
