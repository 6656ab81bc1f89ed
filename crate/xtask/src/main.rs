//! Sets up, builds, serves and tests the project.

fn main() {}
