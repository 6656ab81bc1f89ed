//! Fine-tuning as a caller drives it, on a network of random weights and images that differ in colour.

use super::*;
use crate::FineTuner;
use crate::backbone::sample;
use crate::device::Device;
use crate::image::{Augment, Pixels};
use crate::train::tune::{Cut, TuneOptions};
use crate::train::{Phase, Progress, Solver, Strategy};
use pollster::block_on;

fn image(label: &str, number: u32) -> Pixels {
    let tint = if label == "red" { [200, 40, 60] } else { [50, 60, 190] };
    let value = |at: u32| (tint[at as usize % 3] + (at * 31 + number * 97) % 60) as u8;
    Pixels::from_rgb(32, 32, (0..32 * 32 * 3).map(value).collect()).unwrap()
}

struct Studio {
    embedder: Embedder,
    tuner: Tuner,
    fine_tuner: FineTuner,
    images: Vec<Pixels>,
}

impl Studio {
    fn new(each: u32) -> Self {
        let weights = sample::weights(1, |_| ());
        let embedder = block_on(Embedder::new(&weights, Device::Cpu, Some(32))).unwrap();
        let length = embedder.feature_len();
        let tuner = Tuner::new(embedder.spec().clone(), 32, length, 9).with_backbone(&embedder);
        let fine_tuner = FineTuner::new(&embedder);
        let mut studio = Self { embedder, tuner, fine_tuner, images: Vec::new() };
        for number in 0..each {
            studio.add("red", number);
            studio.add("blue", number);
        }
        studio
    }

    fn add(&mut self, label: &str, number: u32) {
        self.tuner.add_example(label).unwrap();
        self.images.push(image(label, number));
    }

    fn features(&self, pending: &Pending, cut: usize) -> (Vec<u32>, Vec<f32>) {
        let image = &self.images[pending.example as usize];
        let view = |view: &View| self.embedder.view(image, *view, &Augment::default()).unwrap();
        let views: Vec<Pixels> = pending.views.iter().map(view).collect();
        let indices = pending.views.iter().map(|view| view.index).collect();
        (indices, block_on(self.embedder.embed_at(&views, cut)).unwrap())
    }

    fn head(&mut self, options: &TrainOptions) -> Training {
        for pending in self.tuner.pending(options).unwrap() {
            let (views, features) = self.features(&pending, self.embedder.stages());
            self.tuner.put_features(pending.example, &views, options, &features).unwrap();
        }
        let mut training = self.tuner.start_run(options).unwrap();
        while training.run.step().unwrap() != Progress::Finished {}
        training
    }

    fn tune(&mut self, options: &TrainOptions) -> Report {
        let training = self.head(options);
        let start = self.tuner.prepare_tuning(training).unwrap();
        let mut run = self.fine_tuner.start(start).unwrap();
        let mut wanted = run.tuning.pending();
        loop {
            for pending in wanted {
                let (views, features) = self.features(&pending, run.cut());
                run.tuning.put(pending.example, &views, &features).unwrap();
            }
            wanted = run.tuning.wants();
            if wanted.is_empty() && run.tuning.step().unwrap() == Progress::Finished {
                return self.tuner.finish_tuning(run.finish().unwrap()).unwrap();
            }
        }
    }

    fn predict(&self, tuner: &Tuner, image: &Pixels) -> Prediction {
        let stages = tuner.model().unwrap().tuned.clone();
        let tuned = stages.map(|stages| block_on(self.embedder.tuned(&stages)).unwrap());
        let embedder = tuned.as_ref().unwrap_or(&self.embedder);
        let view = embedder.view(image, View { index: 0, seed: 0 }, &Augment::default()).unwrap();
        tuner.predict(&block_on(embedder.embed(&[view])).unwrap()).unwrap().remove(0)
    }
}

fn options(strategy: Strategy) -> TrainOptions {
    let tune = TuneOptions { epochs: 2, ..TuneOptions::default() };
    TrainOptions { strategy, views: 2, batch_size: 8, validation: 0.0, tune, ..TrainOptions::default() }
}

#[test]
fn every_strategy_trains_and_a_project_keeps_what_it_trained() {
    for (strategy, cut) in [(Strategy::Partial, 17), (Strategy::Staged, 17), (Strategy::Full, 0)] {
        let mut studio = Studio::new(4);
        let report = studio.tune(&options(strategy));
        let tuning = report.tuning.as_ref().unwrap();
        assert_eq!((tuning.cut, tuning.kept), (cut, true));
        assert_eq!(report.epochs.iter().filter(|row| row.phase == Phase::Tune).count(), 2);
        let strange = image("red", 77);
        let prediction = studio.predict(&studio.tuner, &strange);
        assert_eq!(prediction.label, "red");

        let file = studio.tuner.save().unwrap();
        let embedder = &studio.embedder;
        let opened = Tuner::open(&file, embedder.spec().clone(), 32, embedder.feature_len()).unwrap();
        assert_eq!(studio.predict(&opened, &strange), prediction);
        assert_eq!(opened.model().unwrap().report, report);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_head_trained_after_it_starts_from_the_pretrained_stages() {
    let mut pair = [Studio::new(3), Studio::new(3)];
    let [a, b] = pair.each_mut().map(|studio| studio.tune(&options(Strategy::Partial)));
    assert_eq!(a, b);
    let [a, b] = [&pair[0], &pair[1]].map(|studio| studio.tuner.save().unwrap());
    assert!(a == b, "the files differ");
    let studio = &mut pair[0];
    let training = studio.head(&options(Strategy::Head));
    studio.tuner.finish_run(training).unwrap();
    assert!(studio.tuner.model().unwrap().tuned.is_none());
}

#[test]
fn mixing_reads_images_and_trains_the_same_stages() {
    let mixed = |cache_mb| {
        let tune = TuneOptions { mixup: 0.4, cache_mb, ..options(Strategy::Partial).tune };
        let mut studio = Studio::new(4);
        let options = TrainOptions { tune, ..options(Strategy::Partial) };
        let training = studio.head(&options);
        let start = studio.tuner.prepare_tuning(training).unwrap();
        assert_eq!(studio.fine_tuner.start(start).unwrap().cut(), 0);
        let mut report = studio.tune(&options);
        assert_eq!(report.tuning.as_ref().unwrap().cut, 17);
        assert_eq!(studio.predict(&studio.tuner, &image("red", 77)).label, "red");
        report.options.tune.cache_mb = 0;
        (report, studio.tuner.model().unwrap().tuned.clone().unwrap())
    };
    let (kept, anew) = (mixed(256), mixed(0));
    assert_eq!(kept, anew);
    assert_ne!(kept.1, {
        let mut studio = Studio::new(4);
        studio.tune(&options(Strategy::Partial));
        studio.tuner.model().unwrap().tuned.clone().unwrap()
    });
}

#[test]
fn neighbours_are_found_kept_and_followed() {
    let options = TrainOptions { solver: Solver::Neighbours, ..options(Strategy::Head) };
    let mut studio = Studio::new(6);
    let training = studio.head(&options);
    let report = studio.tuner.finish_run(training).unwrap();
    assert!(report.neighbours.is_some() && report.strength.is_none() && report.temperature != 1.0);
    assert_eq!((report.epochs.len(), report.cross_validation.as_ref().unwrap().count), (1, 12));
    let strange = image("blue", 77);
    let prediction = studio.predict(&studio.tuner, &strange);
    assert_eq!(prediction.label, "blue");
    let file = studio.tuner.save().unwrap();
    let embedder = &studio.embedder;
    let opened = Tuner::open(&file, embedder.spec().clone(), 32, embedder.feature_len()).unwrap();
    assert_eq!(studio.predict(&opened, &strange), prediction);
    assert_eq!(opened.model().unwrap().report, report);
    assert!(opened.save().unwrap() == file, "the files differ");
    let training = studio.head(&options);
    studio.tuner.finish_run(training).unwrap();
    assert!(studio.tuner.save().unwrap() == file, "the same seed and examples, and another file");

    // Live, it knows a class from its first example on.
    studio.tuner.add_example("grey").unwrap();
    studio.images.push(Pixels::from_rgb(32, 32, vec![100; 32 * 32 * 3]).unwrap());
    let one_view = TrainOptions { views: 1, ..options.clone() };
    for pending in studio.tuner.pending(&one_view).unwrap() {
        let (views, features) = studio.features(&pending, studio.embedder.stages());
        studio.tuner.put_features(pending.example, &views, &one_view, &features).unwrap();
    }
    assert!(studio.tuner.follow(&options).unwrap());
    let model = studio.tuner.model().unwrap();
    assert!(model.head.nearest() > 0 && model.report.neighbours == Some(model.head.nearest()));
    let grey = Pixels::from_rgb(32, 32, vec![101; 32 * 32 * 3]).unwrap();
    assert_eq!(studio.predict(&studio.tuner, &grey).label, "grey");
}

#[test]
fn stages_are_not_trained_behind_neighbours() {
    let options = TrainOptions { solver: Solver::Neighbours, ..options(Strategy::Partial) };
    let mut studio = Studio::new(4);
    match studio.tuner.pending(&options).unwrap_err() {
        Error::OptionInvalid { option, .. } => assert_eq!(option, "solver"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_training_after_new_examples_starts_from_the_head_there_is() {
    let options = TrainOptions { epochs: 200, ..options(Strategy::Head) };
    let mut studio = Studio::new(6);
    let training = studio.head(&options);
    let cold = studio.tuner.finish_run(training).unwrap();
    let training = studio.head(&options);
    let same = studio.tuner.finish_run(training).unwrap();
    assert!(same.epochs.len() <= 3 && cold.epochs.len() > 6, "{} {}", same.epochs.len(), cold.epochs.len());
    let losses = [&same, &cold].map(|report| report.epochs.last().unwrap().train_loss);
    assert!((losses[0] - losses[1]).abs() < 1e-3, "{losses:?}");
    studio.add("red", 50);
    let training = studio.head(&options);
    let warm = studio.tuner.finish_run(training).unwrap();
    assert!(warm.epochs.len() < cold.epochs.len(), "{} {}", warm.epochs.len(), cold.epochs.len());
    // A class that it does not know begins at zero, and is learnt.
    for number in 0..3 {
        studio.tuner.add_example("grey").unwrap();
        studio.images.push(Pixels::from_rgb(32, 32, vec![100 + number; 32 * 32 * 3]).unwrap());
    }
    let training = studio.head(&options);
    studio.tuner.finish_run(training).unwrap();
    let grey = Pixels::from_rgb(32, 32, vec![101; 32 * 32 * 3]).unwrap();
    assert_eq!(studio.predict(&studio.tuner, &grey).label, "grey");
    assert_eq!(studio.predict(&studio.tuner, &image("blue", 60)).label, "blue");
}

#[test]
fn a_cut_that_is_not_there_is_refused_before_anything_is_embedded() {
    let mut studio = Studio::new(2);
    let mut options = options(Strategy::Partial);
    for cut in [Cut::Stage(40), Cut::Name("invertedResidual40".into())] {
        options.tune.cut = Some(cut);
        assert_eq!(studio.tuner.pending(&options).unwrap_err().code(), "OPTION_INVALID");
    }
    options.tune.cut = Some(Cut::Name("convolution2".into()));
    assert!(studio.tuner.pending(&options).is_ok(), "the last stage");
}
