//! Examples, classes and splits.
