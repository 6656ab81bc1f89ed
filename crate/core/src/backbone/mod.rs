//! Pretrained networks without their classifiers, as ordered stages.
