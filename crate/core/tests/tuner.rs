//! A project as a caller drives it, on embeddings that are made up: what the numbers mean is not at stake here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

mod made_up;

use made_up::spec;
use rekindle::train::{Progress, Report, TrainOptions};
use rekindle::{Spec, Tuner};

const LENGTH: usize = 16;

fn tuner(counts: &[(&str, usize)]) -> Tuner {
    let mut tuner = Tuner::new(spec(224), 224, LENGTH, 7);
    for (label, count) in counts {
        for _ in 0..*count {
            tuner.add_example(label).unwrap();
        }
    }
    tuner
}

/// An embedding of a class: its direction and a little of what differs from view to view.
fn embedding(class: usize, seed: u32) -> Vec<f32> {
    let noise = |i: usize| ((seed as f32 * 12.9 + i as f32 * 78.2).sin() * 43_758.5).fract() * 0.3;
    (0..LENGTH).map(|i| if i % 4 == class { 1.0 } else { 0.0 } + noise(i)).collect()
}

/// Embeds what is pending; returns the number of views.
fn embed(tuner: &mut Tuner, options: &TrainOptions) -> usize {
    let mut count = 0;
    for pending in tuner.pending(options).unwrap() {
        let label =
            tuner.dataset().examples().iter().find(|e| e.id == pending.example).unwrap().label.clone();
        let class = ["cat", "dog", "cow"].iter().position(|known| *known == label).unwrap();
        let views: Vec<u32> = pending.views.iter().map(|view| view.index).collect();
        let features: Vec<f32> =
            pending.views.iter().flat_map(|view| embedding(class, view.seed % 1000)).collect();
        tuner.put_features(pending.example, &views, options, &features).unwrap();
        count += views.len();
    }
    count
}

fn train(tuner: &mut Tuner, options: &TrainOptions) -> Report {
    embed(tuner, options);
    let mut training = tuner.start_run(options).unwrap();
    while training.run.step().unwrap() != Progress::Finished {}
    tuner.finish_run(training).unwrap()
}

fn options() -> TrainOptions {
    TrainOptions { epochs: 10, learning_rate: 0.01, ..TrainOptions::default() }
}

#[test]
fn training_reads_augmented_views_and_validation_plain_ones() {
    let mut tuner = tuner(&[("cat", 20), ("dog", 10)]);
    // 24 to train on at 4 views, 6 held out at 1.
    assert_eq!(embed(&mut tuner, &options()), 24 * 4 + 6);
    assert_eq!(embed(&mut tuner, &options()), 0);
}

#[test]
fn a_group_is_either_trained_on_or_held_out() {
    let mut tuner = tuner(&[("cat", 20), ("dog", 10)]);
    for id in 0..18 {
        tuner.set_group(id, Some(if id < 9 { "monday" } else { "tuesday" })).unwrap();
    }
    // Of the cats only the two loose ones fit the fifth that is held out.
    assert_eq!(embed(&mut tuner, &options()), (18 + 8) * 4 + 2 + 2);
    let report = train(&mut tuner, &options());
    assert_eq!((report.train_examples, report.validation_examples), (26, 4));
}

#[test]
fn only_new_views_are_embedded() {
    let mut tuner = tuner(&[("cat", 6), ("dog", 6)]);
    let mut options = options();
    assert_eq!(embed(&mut tuner, &options), 12 * 4);
    options.views = 6;
    assert_eq!(embed(&mut tuner, &options), 12 * 2);
    options.views = 2;
    assert_eq!(embed(&mut tuner, &options), 0);
    tuner.add_example("cat").unwrap();
    assert_eq!(embed(&mut tuner, &options), 2);
    tuner.relabel_example(0, "dog").unwrap();
    tuner.remove_example(1).unwrap();
    assert_eq!(embed(&mut tuner, &options), 0);
    options.hidden = 8;
    assert_eq!(embed(&mut tuner, &options), 0, "the head does not change the views");
    options.augment.flip = 0.0;
    assert_eq!(embed(&mut tuner, &options), 12, "another augmentation changes all views but the plain ones");
}

#[test]
fn a_trained_project_predicts_and_evaluates() {
    let mut tuner = tuner(&[("cat", 20), ("dog", 20), ("cow", 12)]);
    assert_eq!(tuner.predict(&embedding(0, 1)).unwrap_err().code(), "NOT_TRAINED");
    let report = train(&mut tuner, &options());
    assert_eq!((report.train_examples, report.validation_examples), (42, 10));
    assert_eq!(report.validation.as_ref().unwrap().accuracy, 1.0);

    let features: Vec<f32> = (0..3).flat_map(|class| embedding(class, 5000)).collect();
    let predictions = tuner.predict(&features).unwrap();
    assert_eq!(predictions.iter().map(|p| p.label.as_str()).collect::<Vec<_>>(), ["cat", "dog", "cow"]);
    for prediction in &predictions {
        assert!((prediction.scores.iter().map(|s| s.probability).sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(prediction.scores[0].label, prediction.label);
        assert!(!prediction.unknown);
    }
    assert!(tuner.predict(&[-1.0; LENGTH]).unwrap()[0].unknown);

    let labels = ["cat", "dog", "cat"].map(String::from);
    assert_eq!(tuner.evaluate(&features, &labels).unwrap().confusion[0], [1, 0, 1]);
    let wrong = ["cat", "dog", "ant"].map(String::from);
    assert_eq!(tuner.evaluate(&features, &wrong).unwrap_err().code(), "LABEL_UNKNOWN");
}

#[test]
fn a_training_that_is_dropped_leaves_everything_as_it_was() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    train(&mut tuner, &options());
    let before = tuner.predict(&embedding(0, 1)).unwrap();
    let mut training = tuner.start_run(&TrainOptions { hidden: 4, ..options() }).unwrap();
    training.run.step().unwrap();
    drop(training);
    assert_eq!(tuner.predict(&embedding(0, 1)).unwrap(), before);

    tuner.add_class("cow").unwrap();
    assert_eq!(tuner.start_run(&options()).err().unwrap().code(), "TOO_FEW_EXAMPLES");
    assert_eq!(tuner.pending(&options()).unwrap_err().code(), "TOO_FEW_EXAMPLES");
    assert_eq!(tuner.predict(&embedding(0, 1)).unwrap(), before);
}

#[test]
fn the_project_may_change_while_a_run_goes_on() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    embed(&mut tuner, &options());
    let mut training = tuner.start_run(&options()).unwrap();
    tuner.remove_class("dog").unwrap();
    while training.run.step().unwrap() != Progress::Finished {}
    tuner.finish_run(training).unwrap();
    assert_eq!(tuner.model().unwrap().labels, ["cat", "dog"], "the run is of the data it began with");
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let report = |seed| {
        let mut tuner = Tuner::new(spec(224), 224, LENGTH, seed);
        for i in 0..40 {
            tuner.add_example(["cat", "dog"][i % 2]).unwrap();
        }
        train(&mut tuner, &options())
    };
    assert_eq!(report(1), report(1));
    assert_ne!(report(1).epochs, report(2).epochs);
}

#[test]
fn a_project_is_opened_as_it_was_saved() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    assert_eq!(tuner.save().unwrap_err().code(), "NOT_TRAINED");
    for hidden in [0, 8] {
        let report = train(&mut tuner, &TrainOptions { hidden, ..options() });
        let file = tuner.save().unwrap();
        let opened = Tuner::open(&file, spec(224), 224, LENGTH).unwrap();
        let features: Vec<f32> = (0..20).flat_map(|i| embedding(i % 3, 100 + i as u32)).collect();
        assert_eq!(opened.predict(&features).unwrap(), tuner.predict(&features).unwrap());
        assert_eq!(opened.model().unwrap().report, report);
        assert_eq!(opened.dataset().labels(), tuner.dataset().labels());
        assert_eq!(opened.save().unwrap(), file);
    }
}

#[test]
fn a_class_keeps_its_model_when_it_is_renamed() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    train(&mut tuner, &options());
    tuner.rename_class("cat", "feline").unwrap();
    assert_eq!(tuner.predict(&embedding(0, 1)).unwrap()[0].label, "feline");
}

#[test]
fn a_project_of_other_weights_is_refused() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    train(&mut tuner, &options());
    let file = tuner.save().unwrap();
    let other = Spec { sha256: "01".into(), ..spec(224) };
    for refused in [
        Tuner::open(&file, other, 224, LENGTH),
        Tuner::open(&file, spec(224), 192, LENGTH),
        Tuner::open(&file, spec(224), 224, LENGTH + 1),
    ] {
        assert_eq!(refused.unwrap_err().code(), "PROJECT_FORMAT");
    }
}

#[test]
fn a_damaged_project_file_is_refused_whatever_the_damage() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    train(&mut tuner, &options());
    let file = tuner.save().unwrap();
    let open = |bytes: &[u8]| Tuner::open(bytes, spec(224), 224, LENGTH);
    for length in (0..file.len()).step_by(7) {
        assert_eq!(open(&file[..length]).unwrap_err().code(), "PROJECT_FORMAT");
    }
    let whole = tuner.predict(&embedding(0, 1)).unwrap();
    for place in 0..file.len() {
        let mut altered = file.clone();
        altered[place] ^= 0x55;
        // Some bytes of a zip say nothing (times, flags): a file that opens must be the whole one.
        match open(&altered) {
            Err(error) => assert_eq!(error.code(), "PROJECT_FORMAT", "byte {place}"),
            Ok(opened) => assert_eq!(opened.predict(&embedding(0, 1)).unwrap(), whole, "byte {place}"),
        }
    }
}

#[test]
fn a_wrong_label_is_the_most_suspect() {
    let mut tuner = tuner(&[("cat", 15), ("dog", 15)]);
    train(&mut tuner, &options());
    tuner.relabel_example(3, "dog").unwrap();
    let suspects = tuner.suspects(&options()).unwrap();
    assert_eq!(suspects.len(), 30);
    assert_eq!((suspects[0].example, suspects[0].likelier.as_str()), (3, "cat"));
    assert!(suspects[0].probability < 0.5 && suspects[1].probability > 0.5);
}

#[test]
fn in_live_mode_the_model_follows_the_examples() {
    let mut tuner = tuner(&[]);
    let add = |tuner: &mut Tuner, label: &str, class: usize, seed: u32| {
        let id = tuner.add_example(label).unwrap();
        tuner.put_plain(id, &embedding(class, seed)).unwrap();
        id
    };
    let first = |tuner: &Tuner, class| tuner.predict(&embedding(class, 900)).unwrap().swap_remove(0);
    add(&mut tuner, "cat", 0, 1);
    assert!(!tuner.follow(&options()).unwrap());
    assert_eq!(tuner.predict(&embedding(0, 1)).unwrap_err().code(), "NOT_TRAINED");
    add(&mut tuner, "dog", 1, 2);
    for seed in 3..20 {
        assert!(tuner.follow(&options()).unwrap());
        assert_eq!((first(&tuner, 0).label, first(&tuner, 1).label), ("cat".into(), "dog".into()));
        add(&mut tuner, ["cat", "dog"][seed as usize % 2], seed as usize % 2, seed);
    }
    let cow = add(&mut tuner, "cow", 2, 30);
    tuner.follow(&options()).unwrap();
    assert_eq!(first(&tuner, 2).label, "cow");
    tuner.remove_example(cow).unwrap();
    tuner.follow(&options()).unwrap();
    assert_eq!(tuner.model().unwrap().labels, ["cat", "dog"], "a class without examples is not named");
    let report = &tuner.model().unwrap().report;
    assert_eq!((report.train_examples, report.validation_examples, report.best_epoch), (19, 0, 0));
    let opened = Tuner::open(&tuner.save().unwrap(), spec(224), 224, LENGTH).unwrap();
    assert_eq!(opened.predict(&embedding(1, 900)).unwrap()[0], first(&tuner, 1));
}

#[test]
fn a_live_model_goes_on_from_what_a_training_chose() {
    let mut tuner = tuner(&[("cat", 20), ("dog", 20)]);
    let trained = train(&mut tuner, &options());
    let id = tuner.add_example("dog").unwrap();
    tuner.put_plain(id, &embedding(1, 777)).unwrap();
    tuner.follow(&options()).unwrap();
    let report = &tuner.model().unwrap().report;
    assert_eq!((report.strength, report.temperature), (trained.strength, trained.temperature));
    assert_eq!(report.train_examples, 41);
}

#[test]
fn a_new_training_begins_with_the_columns_of_the_classes_that_stay() {
    let mut tuner = tuner(&[("cat", 12), ("dog", 12)]);
    train(&mut tuner, &options());
    let model = tuner.model().unwrap();
    let (columns, biases) = model.head.columns().unwrap();
    let labels = ["cow", "dog", "cat"].map(String::from);
    let (found, shifts) = model.columns_for(&labels).unwrap();
    let temperature = model.report.temperature;
    let hot = |values: &[f32]| values.iter().map(|value| value * temperature).collect::<Vec<f32>>();
    let (cat, dog) = columns.split_at(LENGTH);
    assert_eq!(found, [vec![0.0; LENGTH], hot(dog), hot(cat)].concat());
    assert_eq!(shifts, [0.0, biases[1] * temperature, biases[0] * temperature]);
}
