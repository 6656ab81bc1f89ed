//! The new classifier on the embedding.
