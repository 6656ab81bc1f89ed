//! What a checkup finds of examples that are made up, and that bad ones are findings or errors and never a panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

mod made_up;

use made_up::spec;
use rekindle::health::{Finding, Health, Kind};
use rekindle::image::Traits;
use rekindle::train::{Progress, TrainOptions};
use rekindle::{Pixels, Tuner};

const LENGTH: usize = 64;
const CLASSES: [&str; 3] = ["cat", "dog", "cow"];

fn tuner() -> Tuner {
    Tuner::new(spec(64), 64, LENGTH, 7)
}

/// A number from -1 to 1 that looks random.
fn noise(seed: usize, place: usize) -> f32 {
    2.0 * ((seed as f32 * 12.9898 + place as f32 * 78.233).sin() * 43_758.547).abs().fract() - 1.0
}

/// An embedding near its class's direction, apart from all others by more than near-duplicates are.
fn embedding(class: usize, seed: usize, spread: f32) -> Vec<f32> {
    (0..LENGTH).map(|i| noise(class + 1000, i) + spread * noise(seed, i)).collect()
}

/// An image of blocks, another for each seed.
fn image(seed: usize, side: u32) -> Traits {
    let value =
        |x: u32, y: u32| (127.0 + 120.0 * noise(seed, (y * 8 / side * 8 + x * 8 / side) as usize)) as u8;
    let rgb = (0..side * side).flat_map(|at| [value(at % side, at / side); 3]).collect();
    Traits::of(&Pixels::from_rgb(side, side, rgb).unwrap()).unwrap()
}

fn even() -> Traits {
    Traits::of(&Pixels::from_rgb(80, 80, vec![90; 80 * 80 * 3]).unwrap()).unwrap()
}

/// Adds an example that shows a class.
fn add(tuner: &mut Tuner, label: &str, shows: usize, traits: Traits) -> u32 {
    let id = tuner.add_example(label).unwrap();
    tuner.put_plain(id, &embedding(shows, id as usize, 0.8)).unwrap();
    tuner.put_traits(id, traits);
    id
}

/// So many different examples of each class.
fn healthy(counts: [usize; 3]) -> Tuner {
    let mut tuner = tuner();
    for (class, count) in counts.into_iter().enumerate() {
        for number in 0..count {
            add(&mut tuner, CLASSES[class], class, image(class * 1000 + number, 80));
        }
    }
    tuner
}

fn health(tuner: &Tuner) -> Health {
    let mut checkup = tuner.start_checkup(&TrainOptions::default()).unwrap();
    while checkup.step() {}
    checkup.finish()
}

fn found(health: &Health, kind: Kind) -> Option<&Finding> {
    health.findings.iter().find(|finding| finding.kind == kind)
}

fn kinds(health: &Health) -> Vec<Kind> {
    health.findings.iter().map(|finding| finding.kind).collect()
}

fn train(tuner: &mut Tuner) -> rekindle::Result<rekindle::train::Report> {
    train_with(tuner, TrainOptions::default())
}

fn train_with(tuner: &mut Tuner, options: TrainOptions) -> rekindle::Result<rekindle::train::Report> {
    let options = TrainOptions { views: 1, epochs: 10, ..options };
    let mut training = tuner.start_run(&options)?;
    while training.run.step()? != Progress::Finished {}
    tuner.finish_run(training)
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let health = health(&healthy([20, 20, 20]));
    assert_eq!(health.findings, []);
    let curve = &health.learning_curve;
    assert_eq!(curve.iter().map(|point| point.examples).collect::<Vec<_>>(), [12, 24, 48]);
    assert_eq!(curve[2].accuracy, 1.0);
}

#[test]
fn few_and_uneven_numbers_are_told() {
    let few = health(&healthy([9, 40, 12]));
    assert_eq!(kinds(&few), [Kind::TooFew, Kind::Imbalance]);
    assert_eq!(few.findings[0].labels, ["cat"]);
    assert!(few.findings[0].message.contains("9 images"));
    assert!(few.findings.iter().all(|finding| finding.examples == [0, 1, 2, 3, 4, 5, 6, 7, 8]), "all cats");
    assert_eq!(few.findings[1].labels, ["cat", "dog"]);
    assert_eq!(kinds(&health(&healthy([12, 0, 0]))), [Kind::TooFewClasses]);
    assert_eq!(kinds(&health(&tuner())), [Kind::TooFewClasses]);
}

#[test]
fn copies_are_told_within_and_across_classes() {
    let mut tuner = healthy([12, 12, 12]);
    let same = add(&mut tuner, "cat", 0, image(3, 80));
    let near = add(&mut tuner, "dog", 1, image(1005, 160));
    let across = add(&mut tuner, "cow", 2, image(1007, 80));
    let near_across = add(&mut tuner, "cow", 2, image(1009, 160));
    let health = health(&tuner);
    let ids = |kind| found(&health, kind).unwrap().examples.clone();
    assert_eq!(ids(Kind::Duplicates), [3, same]);
    assert_eq!(ids(Kind::NearDuplicates), [17, near]);
    assert_eq!(ids(Kind::DuplicatesAcrossClasses), [19, across]);
    assert_eq!(ids(Kind::NearDuplicatesAcrossClasses), [21, near_across]);
    assert_eq!(found(&health, Kind::DuplicatesAcrossClasses).unwrap().labels, ["dog", "cow"]);
}

#[test]
fn images_that_show_little_are_told() {
    let mut tuner = healthy([12, 12, 12]);
    let blank = add(&mut tuner, "cat", 0, even());
    let tiny = add(&mut tuner, "dog", 1, image(5000, 31));
    let health = health(&tuner);
    assert_eq!(found(&health, Kind::Blank).unwrap().examples, [blank]);
    assert_eq!(found(&health, Kind::Tiny).unwrap().examples, [tiny]);
}

#[test]
fn a_wrong_label_is_told() {
    let mut tuner = healthy([20, 20, 20]);
    let wrong = add(&mut tuner, "dog", 2, image(5000, 80));
    let health = health(&tuner);
    let finding = found(&health, Kind::Mislabelled).unwrap();
    assert_eq!(
        (finding.examples.as_slice(), finding.labels.as_slice()),
        (&[wrong][..], &["dog".to_owned()][..])
    );
    assert_eq!(finding.message, "An image of “dog” looks more like “cow”.");
}

#[test]
fn classes_that_look_the_same_are_told_apart_from_those_that_do_not() {
    let mut tuner = healthy([20, 0, 0]);
    for label in ["dog", "cow"] {
        for number in 0..20 {
            add(
                &mut tuner,
                label,
                1,
                image(label.len() * 1000 + usize::from(label == "cow") * 100 + number, 80),
            );
        }
    }
    let health = health(&tuner);
    let confused: Vec<_> = health.findings.iter().filter(|finding| finding.kind == Kind::Confused).collect();
    assert_eq!(confused.len(), 1, "{health:?}");
    assert_eq!(confused[0].labels, ["dog", "cow"]);
    assert!(confused[0].examples.len() >= 10 && confused[0].examples.iter().all(|id| *id >= 20));
}

#[test]
fn what_is_held_out_and_looks_like_what_is_learnt_is_told() {
    let mut tuner = tuner();
    for id in 0..30 {
        let label = CLASSES[id % 3];
        tuner.add_example(label).unwrap();
        // Pairs that the backbone hardly tells apart, of images that differ.
        tuner.put_plain(id as u32, &embedding(id % 3, id / 6 * 3 + id % 3, 0.8)).unwrap();
        tuner.put_traits(id as u32, image(id, 80));
    }
    let health = health(&tuner);
    let pairs = &found(&health, Kind::AlikeAcrossSplit).unwrap().examples;
    assert!(!pairs.is_empty());
    for pair in pairs.chunks(2) {
        assert_eq!((pair[0] / 6, pair[0] % 3), (pair[1] / 6, pair[1] % 3));
    }
}

#[test]
fn a_class_of_one_burst_is_told_and_still_trained() {
    let mut tuner = healthy([12, 12, 12]);
    for id in 0..12 {
        tuner.set_group(id, Some("burst")).unwrap();
    }
    let health = health(&tuner);
    assert_eq!(kinds(&health), [Kind::OneGroup]);
    let report = train(&mut tuner).unwrap();
    assert_eq!((report.train_examples, report.validation_examples), (32, 4));
}

#[test]
fn a_group_that_spans_classes_is_told_and_stays_whole() {
    let mut tuner = healthy([20, 20, 20]);
    for id in [0, 1, 20] {
        tuner.set_group(id, Some("party")).unwrap();
    }
    let health = health(&tuner);
    let finding = found(&health, Kind::GroupAcrossClasses).unwrap();
    assert_eq!(
        (finding.labels.as_slice(), finding.examples.as_slice()),
        (&["cat", "dog"].map(String::from)[..], &[0, 1, 20][..])
    );
    train(&mut tuner).unwrap();
}

#[test]
fn all_images_the_same_is_a_finding_and_no_panic() {
    let mut tuner = tuner();
    for number in 0..24 {
        let id = tuner.add_example(CLASSES[number % 2]).unwrap();
        tuner.put_plain(id, &[1.0; LENGTH]).unwrap();
        tuner.put_traits(id, image(0, 80));
    }
    let health = health(&tuner);
    assert_eq!(found(&health, Kind::DuplicatesAcrossClasses).unwrap().examples.len(), 24);
    assert!(found(&health, Kind::Duplicates).is_some() && health.learning_curve.is_empty());
    let report = train(&mut tuner).unwrap();
    assert_eq!(report.validation_examples, 0, "no copy is judged by what has learnt from another");
    let prediction = &tuner.predict(&[1.0; LENGTH]).unwrap()[0];
    assert!((prediction.probability - 0.5).abs() < 1e-3);
}

#[test]
fn one_example_in_a_class_is_a_finding_and_no_panic() {
    let mut tuner = healthy([12, 1, 1]);
    let health = health(&tuner);
    assert_eq!(found(&health, Kind::TooFew).unwrap().labels, ["dog"]);
    let report = train(&mut tuner).unwrap();
    assert_eq!((report.train_examples, report.validation_examples), (12, 2));
    let mut single = healthy([1, 1, 0]);
    single.remove_example(1).unwrap();
    assert_eq!(train(&mut single).unwrap_err().code(), "TOO_FEW_EXAMPLES");
}

#[test]
fn no_share_for_validation_leaves_a_class_empty() {
    for (count, held_out) in [(2, 0), (9, 0), (10, 15), (13, 21)] {
        let mut tuner = healthy([count, count, count]);
        let options = TrainOptions { validation: 0.5, ..TrainOptions::default() };
        let report = train_with(&mut tuner, options).unwrap();
        assert_eq!((report.train_examples, report.validation_examples), (3 * count - held_out, held_out));
    }
}

#[test]
fn more_images_are_called_for_where_they_help() {
    // Half of the examples do not show every kind of thing that a class has.
    let mut tuner = tuner();
    for (class, label) in CLASSES.iter().enumerate() {
        for number in 0..30 {
            let id = tuner.add_example(label).unwrap();
            let kind = class + 3 * (number % 12);
            tuner.put_plain(id, &embedding(kind, id as usize, 0.3)).unwrap();
            tuner.put_traits(id, image(class * 1000 + number, 80));
        }
    }
    let health = health(&tuner);
    let [.., half, all] = &health.learning_curve[..] else { panic!("{health:?}") };
    assert!(all.accuracy > half.accuracy + 0.05, "{:?}", health.learning_curve);
    assert!(found(&health, Kind::MoreImages).unwrap().message.starts_with("Having learnt from"));
}
