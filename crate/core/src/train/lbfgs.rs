//! Limited-memory BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5): minimises a smooth function of many numbers,
//! one iteration at a time.

use std::collections::VecDeque;

/// Steps that are remembered; as scikit-learn's and SciPy's default.
const MEMORY: usize = 10;
/// The weak Wolfe conditions' constants: a step must gain this part of what the slope promises, and leave at most this
/// part of the slope.
const GAIN: f64 = 1e-4;
const SLOPE_LEFT: f64 = 0.9;
/// Points that a line search tries before it gives up.
const MOST_TRIALS: usize = 30;

/// A function's value and gradient at a point.
#[derive(Debug, Clone)]
pub struct Point {
    /// Where it is.
    pub at: Vec<f32>,
    /// The function's value there.
    pub value: f64,
    /// The function's gradient there.
    pub gradient: Vec<f32>,
}

/// The state of a minimisation.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    point: Point,
    steps: VecDeque<Step>,
}

/// A step that was taken.
#[derive(Debug, Clone)]
struct Step {
    moved: Vec<f32>,
    turned: Vec<f32>,
    /// The product of the two.
    curvature: f64,
}

impl Lbfgs {
    /// A minimisation that begins at a point.
    pub fn new(point: Point) -> Self {
        Self { point, steps: VecDeque::new() }
    }

    /// Where it is: the lowest point so far.
    pub fn point(&self) -> &Point {
        &self.point
    }

    /// Largest absolute number of the gradient.
    pub fn steepness(&self) -> f64 {
        self.point.gradient.iter().fold(0.0, |most: f64, value| most.max(f64::from(value.abs())))
    }

    /// Takes one step downhill; false where none is found, which is so at a minimum, but for rounding.
    pub fn step(&mut self, mut evaluate: impl FnMut(Vec<f32>) -> Point) -> bool {
        let direction = self.direction();
        let slope = dot(&direction, &self.point.gradient);
        if !slope.is_finite() || slope >= 0.0 {
            return false;
        }
        // Nothing is known of the scale before the first step.
        let norm = dot(&direction, &direction).sqrt();
        let mut length = if self.steps.is_empty() { norm.recip() } else { 1.0 };
        let (mut short, mut long) = (0.0, f64::INFINITY);
        for _ in 0..MOST_TRIALS {
            let point = evaluate(along(&self.point.at, length, &direction));
            // False where the value is not a number.
            let gains = point.value <= self.point.value + GAIN * length * slope;
            if !gains {
                long = length;
            } else if dot(&direction, &point.gradient) < SLOPE_LEFT * slope {
                short = length;
            } else {
                self.take(point);
                return true;
            }
            length = if long.is_finite() { f64::midpoint(short, long) } else { 2.0 * length };
        }
        false
    }

    fn take(&mut self, point: Point) {
        let moved = along(&point.at, -1.0, &self.point.at);
        let turned = along(&point.gradient, -1.0, &self.point.gradient);
        let curvature = dot(&moved, &turned);
        if curvature > 0.0 {
            if self.steps.len() == MEMORY {
                self.steps.pop_front();
            }
            self.steps.push_back(Step { moved, turned, curvature });
        }
        self.point = point;
    }

    /// The gradient, turned round and multiplied by what the remembered steps tell of the inverse Hessian.
    fn direction(&self) -> Vec<f32> {
        let mut direction: Vec<f32> = self.point.gradient.iter().map(|value| -value).collect();
        let mut shares = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().rev() {
            let share = dot(&step.moved, &direction) / step.curvature;
            add(&mut direction, -share, &step.turned);
            shares.push(share);
        }
        if let Some(last) = self.steps.back() {
            let scale = (last.curvature / dot(&last.turned, &last.turned)) as f32;
            direction.iter_mut().for_each(|value| *value *= scale);
        }
        for (step, share) in self.steps.iter().zip(shares.into_iter().rev()) {
            let correction = share - dot(&step.turned, &direction) / step.curvature;
            add(&mut direction, correction, &step.moved);
        }
        direction
    }
}

/// The sum of products. In parts of eight, so that it can be vectorised and is yet the same everywhere.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let (a_parts, a_rest) = a.as_chunks::<8>();
    let (b_parts, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for (a, b) in a_parts.iter().zip(b_parts) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    sums.iter().sum::<f64>() + rest
}

fn along(from: &[f32], length: f64, direction: &[f32]) -> Vec<f32> {
    let length = length as f32;
    from.iter().zip(direction).map(|(from, by)| from + length * by).collect()
}

fn add(to: &mut [f32], factor: f64, values: &[f32]) {
    let factor = factor as f32;
    to.iter_mut().zip(values).for_each(|(to, value)| *to += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley: the minimum, 0, is at (1, 1), along a bent path from here.
    fn valley(at: Vec<f32>) -> Point {
        let (x, y) = (f64::from(at[0]), f64::from(at[1]));
        let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
        let gradient =
            vec![(-2.0 * (1.0 - x) - 400.0 * x * (y - x * x)) as f32, (200.0 * (y - x * x)) as f32];
        Point { at, value, gradient }
    }

    #[test]
    fn it_finds_its_way_along_a_bent_valley() {
        let mut lbfgs = Lbfgs::new(valley(vec![-1.2, 1.0]));
        let mut steps = 0;
        let mut value = lbfgs.point().value;
        while lbfgs.steepness() > 1e-3 && lbfgs.step(valley) {
            assert!(lbfgs.point().value < value, "every step goes down");
            value = lbfgs.point().value;
            steps += 1;
        }
        assert!(steps < 60, "{steps}");
        let at = &lbfgs.point().at;
        assert!((at[0] - 1.0).abs() < 1e-2 && (at[1] - 1.0).abs() < 1e-2, "{at:?}");
    }

    #[test]
    fn it_stays_at_a_minimum_and_where_nothing_can_be_told() {
        assert!(!Lbfgs::new(valley(vec![1.0, 1.0])).step(valley));
        let mut lost = Lbfgs::new(Point { at: vec![0.0], value: f64::NAN, gradient: vec![f32::NAN] });
        assert!(!lost.step(|_| panic!("there is no direction to try")));
        let mut cliff = Lbfgs::new(Point { at: vec![0.0], value: 0.0, gradient: vec![1.0] });
        assert!(!cliff.step(|at| Point { at, value: f64::NAN, gradient: vec![f32::NAN] }));
        assert_eq!(cliff.point().at, [0.0]);
    }
}
