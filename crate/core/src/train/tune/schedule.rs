//! The learning rate over the steps, as a part of its peak.

use super::options::Schedule;
use libm::cos;
use std::f64::consts::PI;

/// Of PyTorch's `OneCycleLR`: what the first rate is of the peak, the last of the first, and the part of the steps up.
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = FIRST / 1e4;
const RISE: f64 = 0.3;

impl Schedule {
    /// The rate of step `step` of `total`, counted from 0, as a part of the peak; in a part `warmup` of them it rises.
    pub fn rate_at(self, warmup: f64, step: usize, total: usize) -> f64 {
        let (step, total) = (step as f64, total.max(1) as f64);
        if self == Self::Onecycle {
            return one_cycle(step, total);
        }
        let warm = (warmup * total).floor();
        if step < warm {
            return (step + 1.0) / (warm + 1.0);
        }
        let done = (step - warm) / (total - warm);
        match self {
            Schedule::Cosine => half_cosine(1.0, 0.0, done),
            Schedule::Linear => 1.0 - done,
            Schedule::Step => [1.0, 0.1, 0.01].get((3.0 * done) as usize).copied().unwrap_or(0.01),
            Schedule::Constant | Schedule::Onecycle => 1.0,
        }
    }
}

fn one_cycle(step: f64, total: f64) -> f64 {
    let top = RISE * total - 1.0;
    if step <= top {
        half_cosine(FIRST, 1.0, step / top)
    } else {
        half_cosine(1.0, LAST, (step - top) / (total - 1.0 - top).max(1.0))
    }
}

fn half_cosine(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + cos(PI * done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, warmup: f64, total: usize) -> Vec<f64> {
        (0..total).map(|step| schedule.rate_at(warmup, step, total)).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close, "{found:?} {expected:?}");
    }

    #[test]
    fn every_schedule_starts_at_the_peak_and_goes_its_way() {
        assert_close(&rates(Schedule::Constant, 0.0, 3), &[1.0; 3]);
        assert_close(&rates(Schedule::Linear, 0.0, 4), &[1.0, 0.75, 0.5, 0.25]);
        assert_close(&rates(Schedule::Step, 0.0, 6), &[1.0, 1.0, 0.1, 0.1, 0.01, 0.01]);
        assert_close(&rates(Schedule::Cosine, 0.0, 4), &[1.0, 0.853553, 0.5, 0.146447]);
        assert_close(&rates(Schedule::Constant, 0.5, 6), &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    /// From `tests/golden/tune/make.py`, which asks PyTorch's `OneCycleLR`.
    #[test]
    fn one_cycle_is_pytorchs() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../../../tests/golden/tune/schedule.json")).unwrap();
        let expected: Vec<f64> =
            golden["one_cycle"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_close(&rates(Schedule::Onecycle, 0.0, expected.len()), &expected);
    }
}
