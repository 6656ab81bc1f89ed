//! The five real backbones with the classifiers that they were trained with, on photos with known classes of ImageNet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

mod imagenet;

use std::path::PathBuf;

use pollster::block_on;
use rekindle::backbone::Classifier;
use rekindle::{Device, Embedder};

/// A converted file, which `cargo xtask weights` keeps in the cache.
fn weights(file: &str) -> Vec<u8> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("REKINDLE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|caches| caches.join("rekindle")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/rekindle")))
        .unwrap();
    let path = cache.join("weights").join(file);
    std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask weights` first", path.display()))
}

/// Checks how many of the photos have their class first, and among the first five. The least of each is one photo fewer than was
/// counted here: two classes may be nearly as likely, and other processors round otherwise.
#[track_caller]
fn finds(arch: &str, first: usize, five: usize) {
    let photos = imagenet::known();
    let embedder =
        block_on(Embedder::new(&weights(&format!("{arch}.safetensors")), Device::Cpu, None)).unwrap();
    let classifier = weights(&format!("{arch}.classifier.safetensors"));
    let classifier = Classifier::read(&classifier, embedder.spec()).unwrap();
    let ranks = imagenet::ranks(&embedder, &classifier, &photos).unwrap();
    for (photo, rank) in photos.iter().zip(&ranks) {
        println!("{arch} {} {}: {rank} are likelier", photo.file, photo.name);
    }
    let within = |most: usize| ranks.iter().filter(|rank| **rank < most).count();
    println!("{arch}: {} and {} of {}", within(1), within(5), ranks.len());
    assert!(within(1) >= first && within(5) >= five, "{arch}: {} and {}", within(1), within(5));
}

#[test]
fn the_classes_are_those_of_the_list_that_the_classifiers_have() {
    let names: Vec<&str> = include_str!("../src/weights/imagenet_classes.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(names.len(), 1000);
    let photos = imagenet::known();
    assert_eq!(photos.len(), 18);
    for photo in photos {
        assert_eq!(names[photo.class], photo.name, "{}", photo.file);
    }
}

#[test]
fn mobilenet_v2_finds_the_classes() {
    finds("mobilenet_v2", 12, 17);
}

#[test]
fn efficientnet_lite0_finds_the_classes() {
    finds("efficientnet_lite0", 15, 17);
}

#[test]
fn efficientnet_lite1_finds_the_classes() {
    finds("efficientnet_lite1", 15, 17);
}

#[test]
fn efficientnet_lite2_finds_the_classes() {
    finds("efficientnet_lite2", 16, 17);
}

#[test]
fn squeezenet_finds_the_classes() {
    finds("squeezenet1_1", 13, 16);
}
