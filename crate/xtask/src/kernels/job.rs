//! What lies where in a job, which crate `rekindle-kernel` promises.

/// Which one it is.
pub const KIND: u64 = 0;
pub const INPUT: u64 = 4;
pub const STEP: u64 = 8;
pub const CHUNKS: u64 = 12;
pub const WEIGHTS: u64 = 20;
pub const OUT: u64 = 24;
pub const ADDED: u64 = 28;
pub const PIXELS: u64 = 32;

/// Of rows.
pub const WIDTH: u64 = 8;
pub const ROWS: u64 = 12;
pub const SQUARES: u64 = 16;

/// Of whole numbers.
pub const SCALES: u64 = 16;
pub const OUTPUTS: u64 = 36;
