//! How good predictions are ([`Metrics`]) and which images are unlike anything trained on ([`Unknown`]).

mod metrics;
mod saliency;
mod suspects;
mod temperature;
mod unknown;

pub(crate) use metrics::argmax;
pub use metrics::{CalibrationBin, ClassMetrics, Metrics};
pub use saliency::Saliency;
pub use suspects::{Suspect, suspects};
pub use temperature::Temperature;
pub use unknown::{FALSE_ALARM_RATE, FEWEST_REFERENCES, Known, MOST_REFERENCES, Unknown};
