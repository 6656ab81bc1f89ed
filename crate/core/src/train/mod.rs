//! Training a head on cached features, epoch by epoch.
