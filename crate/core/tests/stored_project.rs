//! A project file that was written once and is kept: what later versions must go on opening.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod made_up;

use std::path::{Path, PathBuf};

use made_up::spec;
use rekindle::Tuner;
use rekindle::model::Prediction;
use rekindle::train::{Progress, Solver, TrainOptions};
use serde::{Deserialize, Serialize};

const LENGTH: usize = 16;
const LABELS: [&str; 3] = ["cat", "dog", "cow"];

/// What the project said of some embeddings when it was saved.
#[derive(Serialize, Deserialize)]
struct Expected {
    features: Vec<f32>,
    predictions: Vec<Prediction>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/project")
}

/// An embedding of a class: what marks it, and a little else.
fn embedding(class: usize, number: usize) -> Vec<f32> {
    let other = |i: usize| ((number * 37 + i * 101) % 64) as f32 / 128.0;
    (0..LENGTH).map(|i| if i % 4 == class { 1.0 } else { 0.0 } + other(i)).collect()
}

/// A stored project that predicts what it did.
fn opened(version: &str) -> Tuner {
    let file = std::fs::read(folder().join(format!("{version}.rekindle"))).unwrap();
    let expected: Expected =
        serde_json::from_slice(&std::fs::read(folder().join(format!("{version}.json"))).unwrap()).unwrap();
    let tuner = Tuner::open(&file, spec(224), 224, LENGTH).unwrap();
    let found = tuner.predict(&expected.features).unwrap();
    assert_eq!(found.len(), 4);
    for (found, expected) in found.iter().zip(&expected.predictions) {
        assert_eq!((&found.label, found.unknown), (&expected.label, expected.unknown));
        for (found, expected) in found.scores.iter().zip(&expected.scores) {
            assert_eq!(found.label, expected.label);
            assert!((found.probability - expected.probability).abs() < 1e-5, "{found:?} {expected:?}");
        }
    }
    assert!(found[3].unknown && !found[0].unknown, "the threshold was kept");
    assert_eq!(tuner.dataset().labels(), LABELS);
    let report = &tuner.model().unwrap().report;
    assert_eq!((report.train_examples, report.validation_examples), (30, 6));
    assert!(report.cross_validation.is_some() && report.validation.is_some());
    tuner
}

#[test]
fn a_file_of_version_2_opens_and_predicts_as_when_it_was_saved() {
    assert!(opened("v2").model().unwrap().report.strength.is_some());
}

#[test]
fn neighbours_of_version_3_open_and_predict_as_when_they_were_saved() {
    assert!(opened("v3").model().unwrap().report.neighbours.is_some());
}

/// How the files were made; the ones that are kept were made by the version that their names say.
#[test]
#[ignore = "writes the files; run it for a new version of the format, under a new name"]
fn write() {
    let mut tuner = Tuner::new(spec(224), 224, LENGTH, 7);
    let options = TrainOptions { views: 1, solver: Solver::Neighbours, ..TrainOptions::default() };
    for number in 0..36 {
        let id = tuner.add_example(LABELS[number % 3]).unwrap();
        tuner.put_features(id, &[0], &options, &embedding(number % 3, number)).unwrap();
    }
    let mut training = tuner.start_run(&options).unwrap();
    while training.run.step().unwrap() != Progress::Finished {}
    tuner.finish_run(training).unwrap();
    let mut features: Vec<f32> = (0..3).flat_map(|class| embedding(class, 50 + class)).collect();
    features.extend((0..LENGTH).map(|i| if i % 4 == 3 { 1.0 } else { 0.0 }));
    let predictions = tuner.predict(&features).unwrap();
    let expected = serde_json::to_string(&Expected { features, predictions }).unwrap();
    std::fs::write(folder().join("v3.json"), expected + "\n").unwrap();
    std::fs::write(folder().join("v3.rekindle"), tuner.save().unwrap()).unwrap();
}
