//! A head of class means: an image is of the class whose mean embedding, at unit length, is nearest to it by angle
//! (Snell, Swersky, Zemel 2017, "Prototypical networks for few-shot learning", with cosine in place of distance).
//!
//! It has nothing to fit but how sure it may be, and so nothing to overfit.

use super::{HeldOut, Standardisation, Sums, Views};
use crate::dataset::folds;
use crate::dense::{Dense, Rows};
use crate::evaluate::Temperature;
use crate::head::Head;
use crate::train::targets;

/// What cosines are multiplied by before the temperature: they differ by hundredths, and the temperature's range is fixed.
pub const SHARPNESS: f32 = 20.0;
/// Folds in which what is not learnt is chosen.
pub const FOLDS: usize = 5;

/// The head, and how well class means do on examples that they are not of.
pub struct Prototypes {
    layer: Dense,
    truth: Vec<usize>,
    rows: Rows,
    temperature: f32,
    held_out: Option<HeldOut>,
    taken: bool,
}

impl Prototypes {
    /// The means of views of `classes` classes; the seed deals their groups into folds.
    pub fn new(train: &Views, classes: usize, seed: u32) -> Self {
        let (truth, length) = (train.classes(), train.length());
        let by = Standardisation::unit(length);
        let all: Vec<usize> = (0..train.len()).collect();
        let rows = train.standardised(&all, &by);
        let dealt = folds(&truth, &train.groups(), FOLDS, seed);
        let fold = |place: &usize| dealt.get(*place).copied().flatten();
        let mut scores = Vec::new();
        let mut judged: Vec<usize> = Vec::new();
        for index in 0..FOLDS {
            let (out, learnt): (Vec<usize>, Vec<usize>) =
                all.iter().partition(|place| fold(place) == Some(index));
            let out: Vec<usize> = out.into_iter().filter(|place| train.is_plain(*place)).collect();
            if !out.is_empty() {
                let layer = means(&rows, length, &learnt, &truth, classes, SHARPNESS);
                scores.extend(layer.apply(&train.standardised_rows(&out, &by)));
                judged.extend(out);
            }
        }
        let held_out = (!judged.is_empty()).then(|| held_out(train, &judged, scores, classes));
        let temperature = held_out.as_ref().map_or(1.0, |(_, temperature)| *temperature);
        let layer = means(&rows, length, &all, &truth, classes, SHARPNESS / temperature);
        let held_out = held_out.map(|(held_out, _)| held_out);
        Self { layer, rows: Rows::of(&rows, length), truth, temperature, held_out, taken: false }
    }

    /// What fits the held-out examples; 1 where there are none.
    pub fn temperature(&self) -> f32 {
        self.temperature
    }

    /// What is made of the examples, each by the means of the other folds; nothing where none could be left out.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.held_out.as_ref()
    }

    /// Takes the only step; gives what the head makes of the views.
    pub fn step(&mut self) -> Sums {
        self.taken = true;
        let mut scores = self.layer.apply(&self.rows);
        let mut sums = Sums::default();
        let classes = self.layer.outputs();
        let shares = targets::even_shares(&self.truth, classes);
        let judged = scores.clone();
        let loss = targets::loss_into_gradient(&mut scores, &shares, classes);
        sums.add(loss, &judged, &self.truth);
        sums
    }

    /// Whether the step was taken.
    pub fn ended(&self) -> bool {
        self.taken
    }

    /// The head.
    pub fn head(&self) -> Head {
        Head::linear(self.layer.clone())
    }
}

/// The scores of plain views at the temperature that fits them, and that.
fn held_out(train: &Views, places: &[usize], scores: Vec<f32>, classes: usize) -> (HeldOut, f32) {
    let plain: Vec<usize> = (0..train.len()).filter(|place| train.is_plain(*place)).collect();
    let views = places.iter().filter_map(|place| plain.binary_search(place).ok()).collect();
    let truth: Vec<usize> = places.iter().map(|place| train.class(*place)).collect();
    let temperature = Temperature::fit(&scores, &truth, classes).value;
    (HeldOut::new(views, truth, scores, classes, temperature), temperature)
}

/// A layer whose columns are the means of the rows `places` of each class, at this length; zeros for a class without any.
fn means(rows: &[f32], length: usize, places: &[usize], truth: &[usize], classes: usize, norm: f32) -> Dense {
    let mut columns = vec![0.0f32; classes * length];
    for place in places {
        let row = rows.chunks_exact(length.max(1)).nth(*place).unwrap_or_default();
        let class = truth.get(*place).copied().unwrap_or(0);
        let column = columns.chunks_exact_mut(length.max(1)).nth(class);
        column.into_iter().flatten().zip(row).for_each(|(sum, value)| *sum += value);
    }
    for column in columns.chunks_exact_mut(length.max(1)) {
        let own = column.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        column.iter_mut().for_each(|value| *value *= norm / own);
    }
    Dense::of_columns(&columns, length)
}

#[cfg(test)]
pub use tests::views;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::LabelledView;
    use half::f16;

    /// Views at the given angles of the plane, in degrees, at any length, each of a group of its own.
    pub fn views(angles: &[&[f32]]) -> Views {
        let mut all = Vec::new();
        for (class, angles) in angles.iter().enumerate() {
            for angle in *angles {
                let (sin, cos) = angle.to_radians().sin_cos();
                let length = 1.0 + all.len() as f32;
                let features = [cos * length, sin * length].map(f16::from_f32).into();
                all.push(LabelledView { features, class, group: all.len() as u32, plain: true });
            }
        }
        Views::new(2, all)
    }

    #[test]
    fn the_nearest_mean_by_angle_wins_whatever_the_lengths() {
        let train = views(&[&[0.0, 10.0, 20.0], &[60.0, 80.0], &[180.0]]);
        let mut prototypes = Prototypes::new(&train, 3, 1);
        assert_eq!(prototypes.step().accuracy(), 1.0);
        assert!(prototypes.ended() && prototypes.held_out().unwrap().loss().is_finite());
        let test = views(&[&[-70.0, 35.0], &[45.0, 120.0], &[130.0, 250.0]]);
        let head = prototypes.head().with_unit(true);
        let rows: Vec<f32> = test.standardised(&[0, 1, 2, 3, 4, 5], &Standardisation::unit(2));
        let found = head.probabilities(&rows);
        let predicted: Vec<usize> = found.chunks_exact(3).map(crate::evaluate::argmax).collect();
        assert_eq!(predicted, test.classes());
    }

    #[test]
    fn one_example_a_class_has_no_temperature() {
        let prototypes = Prototypes::new(&views(&[&[0.0], &[90.0]]), 2, 1);
        assert!(prototypes.temperature() == 1.0 && prototypes.held_out().is_none());
    }
}
