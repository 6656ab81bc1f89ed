//! The frozen part of a backbone, compiled once and run for every view.

pub mod cache;
