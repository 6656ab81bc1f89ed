//! The one façade that the bindings drive.

/// A project in work: examples, cached features, head, report.
#[derive(Debug, Default)]
pub struct Tuner {}
