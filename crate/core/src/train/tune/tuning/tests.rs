use super::*;
use crate::backbone::{Backbone, sample};
use crate::image::View;
use crate::prefix::maps::MapCache;
use crate::prefix::{CpuPrefix, Map};
use crate::train::tune::options::{Schedule, TuneOptions};
use rand::Rng;
use std::sync::{Arc, Mutex};

const SIDE: usize = 16;

/// Views of three classes that differ in which third of the features is bright.
fn samples(each: u32, views: u32, first: u32) -> Vec<Sample> {
    let sample = |example: u32, index: u32| Sample {
        example,
        view: View { index, seed: example * 10 + index },
        class: example as usize % 3,
    };
    (first..first + 3 * each).flat_map(|e| (0..views).map(move |v| sample(e, v))).collect()
}

fn features(example: u32, view: View, length: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(view.seed.into());
    let bright = |at: usize| if at * 3 / length == example as usize % 3 { 1.5 } else { 0.0 };
    (0..length).map(|at| bright(at) + rng.random_range(-1.0..1.0)).collect()
}

fn options(tune: TuneOptions) -> TrainOptions {
    TrainOptions {
        strategy: Strategy::Partial,
        batch_size: 8,
        patience: 0,
        dropout: 0.2,
        tune,
        ..Default::default()
    }
}

fn tuning(options: &TrainOptions, budget: usize, alone: Option<Metrics>) -> (Backbone, Tuning) {
    let backbone = sample::small_random(3);
    let cut = options.cut_of(&backbone.stage_names()).unwrap().unwrap();
    let read_at = options.tune.read_at(cut);
    // The map at each cut of the small backbone.
    let map =
        [(3, SIDE), (8, 8), (8, 8), (12, 4), (16, 1)].map(|(channels, side)| Map { channels, side })[read_at];
    let kept = Arc::new(Mutex::new(MapCache::default()));
    kept.lock().unwrap().use_for(read_at, "", budget, |_| true);
    let head = Head::new(16, 0, 3, &mut ChaCha8Rng::seed_from_u64(1));
    let labels = ["a", "b", "c"].map(String::from).to_vec();
    let samples = [samples(6, 2, 0), samples(4, 1, 100)];
    let start = (backbone.suffix(cut), Alone { head, validation: alone });
    let mut store = Store::new(map, kept);
    if read_at < cut {
        store = store.before(CpuPrefix::compile(&backbone.lower(cut).unwrap(), SIDE).unwrap());
    }
    let tuning = Tuning::new(options.clone(), labels, samples, store, start, 5).unwrap();
    (backbone, tuning)
}

/// Takes all steps; gives how many views were asked for before the first step and between them.
fn drive(tuning: &mut Tuning) -> Result<(usize, usize)> {
    let (mut before, mut between) = (0, 0);
    let give = |tuning: &mut Tuning, wanted: Vec<Pending>| {
        let count = wanted.iter().map(|pending| pending.views.len()).sum::<usize>();
        for Pending { example, views } in wanted {
            let length = tuning.store.length();
            let values: Vec<f32> = views.iter().flat_map(|view| features(example, *view, length)).collect();
            tuning.put(example, &views.iter().map(|view| view.index).collect::<Vec<_>>(), &values).unwrap();
        }
        count
    };
    let pending = tuning.pending();
    before += give(tuning, pending);
    loop {
        let wants = tuning.wants();
        between += give(tuning, wants);
        if tuning.step()? == Progress::Finished {
            return Ok((before, between));
        }
    }
}

fn bits(tuned: &Tuned) -> Vec<u32> {
    let head = tuned.head.to_tensors();
    let values = tuned.stages.tensors.iter().chain(&head).flat_map(|tensor| &tensor.values);
    values.map(|value| value.to_bits()).collect()
}

fn quick() -> TuneOptions {
    TuneOptions { epochs: 4, learning_rate: 0.02, backbone_rate: 0.5, ..Default::default() }
}

#[test]
fn stages_and_head_learn_from_the_features_at_the_cut() {
    let tune = TuneOptions { epochs: 12, ..quick() };
    for (strategy, last_stages) in [(Strategy::Partial, 2), (Strategy::Full, 2), (Strategy::Staged, 3)] {
        let tune = TuneOptions { last_stages, ..tune.clone() };
        let (_, mut tuning) = tuning(&TrainOptions { strategy, ..options(tune) }, 1 << 20, None);
        assert_eq!(drive(&mut tuning).unwrap(), (6 * 3 * 2 + 4 * 3, 0));
        let (rows, tuned) = tuning.finish().unwrap();
        let tuned = tuned.unwrap();
        assert_eq!(rows.len(), 12);
        assert!(tuned.validation.as_ref().unwrap().accuracy > 0.7, "{strategy:?}: {rows:?}");
        assert_eq!(tuned.embeddings.len(), 18);
    }
}

#[test]
fn the_budget_changes_no_bit_and_the_seed_all() {
    let run = |budget, seed| {
        let (_, mut tuning) = tuning(&options(TuneOptions { mixup: 0.4, ..quick() }), budget, None);
        tuning.rng = ChaCha8Rng::seed_from_u64(seed);
        let (before, between) = drive(&mut tuning).unwrap();
        let (rows, tuned) = tuning.finish().unwrap();
        (rows, bits(&tuned.unwrap()), before, between)
    };
    let (all, none, some) = (run(1 << 20, 1), run(0, 1), run(10 * 3 * SIDE * SIDE * 2, 1));
    assert_eq!((&all.0, &all.1), (&none.0, &none.1));
    assert_eq!((&all.0, &all.1), (&some.0, &some.1));
    assert_eq!((all.2, all.3, none.2, some.2), (48, 0, 0, 10));
    assert!(none.3 > 4 * 48 && some.3 < none.3);
    assert_ne!(run(1 << 20, 2).1, all.1);
}

/// The first batch, mixed by hand, through burn's modules.
#[test]
fn mixed_are_the_images_and_not_the_features_at_the_cut() {
    let options =
        TrainOptions { dropout: 0.0, ..options(TuneOptions { last_stages: 2, mixup: 1.0, ..quick() }) };
    let (backbone, mut tuning) = tuning(&options, 1 << 20, None);
    let cut = backbone.len() - 2;
    for Pending { example, views } in tuning.pending() {
        for view in views {
            let image = features(example, view, 3 * SIDE * SIDE);
            tuning.put(example, &[view.index], &image).unwrap();
        }
    }
    // A head that knows nothing would find the same loss in anything.
    let head = |from: Layers| {
        let mut tensors = from.head().unwrap().to_tensors();
        tensors[0].values.iter_mut().enumerate().for_each(|(at, v)| *v = (at as f32).sin());
        Layers::of(&Head::from_tensors(&tensors).unwrap()).unwrap()
    };
    let classifier = tuning.classifier.take().unwrap();
    tuning.classifier =
        Some(Classifier::new(backbone.suffix(cut), head(classifier.head().valid()), backbone.len()));

    let batch = tuning.batch();
    let rows = tuning.store.rows(&batch).unwrap();
    let truth: Vec<usize> = batch.iter().map(|sample| sample.class).collect();
    let mixup = Mixup::draw(1.0, batch.len(), &mut tuning.rng.clone());
    let shares = mixup.mix(&tuning.targets.shares(&truth));
    let images = |rows: Vec<f32>| {
        let data = TensorData::new(rows, [batch.len(), 3, SIDE, SIDE]);
        backbone.forward(Tensor::from_data(data, &Device::flex()), 0..cut)
    };
    let loss = |features: Tensor<4>| {
        let features = Tensor::from_data(features.into_data(), &Classifier::device());
        let (loss, _) = tuning.classifier.as_ref().unwrap().loss(features, None, shares.clone());
        f64::from(loss.into_scalar::<f32>())
    };
    let of_images = loss(images(mixup.mix(&rows)));
    let features = images(rows.clone());
    let shape = features.dims();
    let mixed = mixup.mix(&features.into_data().try_to_vec::<f32>().unwrap());
    let of_features = loss(Tensor::from_data(TensorData::new(mixed, shape), &Device::flex()));

    tuning.step().unwrap();
    let found = tuning.sums.loss();
    assert!((found - of_images).abs() < 1e-4, "{found} {of_images}");
    assert!((of_features - of_images).abs() > 1e-2, "{of_features} {of_images}");
}

#[test]
fn what_is_frozen_and_every_statistic_keeps_its_bits() {
    let (backbone, mut tuning) = tuning(
        &TrainOptions {
            strategy: Strategy::Staged,
            ..options(TuneOptions { last_stages: 3, epochs: 3, ..quick() })
        },
        1 << 20,
        None,
    );
    let all = |tuning: &Tuning| {
        let mut found = Statistics::default();
        tuning.classifier.as_ref().unwrap().suffix().visit(&mut found);
        found.bits
    };
    let statistics = all(&tuning);
    assert_eq!(statistics.len(), 2 * 6);
    let before = backbone.suffix(1).tuned().unwrap().tensors;
    let pending = tuning.pending();
    for Pending { example, views } in pending {
        let length = tuning.store.length();
        for view in views {
            tuning.put(example, &[view.index], &features(example, view, length)).unwrap();
        }
    }
    // The first epoch trains the last stage alone, which has three tensors.
    while !matches!(tuning.step().unwrap(), Progress::Epoch(_)) {}
    let after = tuning.classifier.as_ref().unwrap().suffix().tuned().unwrap().tensors;
    let frozen = before.len() - 3;
    assert_eq!(after[..frozen], before[..frozen]);
    assert!(after[frozen..].iter().zip(&before[frozen..]).all(|(a, b)| a.values != b.values));
    while tuning.step().unwrap() != Progress::Finished {}
    let after = tuning.classifier.as_ref().unwrap().suffix().tuned().unwrap().tensors;
    assert!(after.iter().zip(&before).all(|(a, b)| a.values != b.values), "the last epoch trains them all");
    assert_eq!(all(&tuning), statistics);
    let untouched = sample::small_random(3).suffix(0).tuned().unwrap();
    assert_eq!(backbone.suffix(0).tuned().unwrap(), untouched, "the pretrained backbone is not changed");
}

#[test]
fn what_validates_worse_than_the_head_alone_is_not_kept() {
    let labels = ["a", "b", "c"].map(String::from);
    let certain = [0.99, 0.005, 0.005, 0.005, 0.99, 0.005, 0.005, 0.005, 0.99];
    let alone = Metrics::new(&labels, &certain, &[0, 1, 2]);
    let (_, mut tuning) =
        tuning(&options(TuneOptions { learning_rate: 1e-6, ..quick() }), 1 << 20, Some(alone));
    drive(&mut tuning).unwrap();
    let (rows, tuned) = tuning.finish().unwrap();
    assert_eq!((rows.len(), tuned.is_none()), (4, true));
}

#[test]
fn features_that_are_not_finite_end_the_run() {
    let (_, mut tuning) = tuning(&options(TuneOptions { last_stages: 1, ..quick() }), 1 << 20, None);
    for Pending { example, views } in tuning.wants() {
        for view in views {
            tuning.put(example, &[view.index], &vec![f32::INFINITY; tuning.store.length()]).unwrap();
        }
    }
    match tuning.step().unwrap_err() {
        Error::TrainingDiverged { epoch: 1, reason } => assert!(reason.contains("NaN"), "{reason}"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_run_that_diverges_after_a_good_epoch_keeps_that() {
    // Each step multiplies the weights by about -9.
    let wild = TuneOptions { learning_rate: 1.0, schedule: Schedule::Constant, epochs: 100, ..quick() };
    let options = TrainOptions { weight_decay: 10.0, ..options(wild) };
    let (_, mut tuning) = tuning(&options, 1 << 20, None);
    drive(&mut tuning).unwrap();
    let epoch = tuning.diverged().unwrap().epoch;
    let (rows, tuned) = tuning.finish().unwrap();
    let tuned = tuned.unwrap();
    assert!(epoch as usize == rows.len() + 1 && tuned.epoch < epoch);
    assert!(tuned.stages.tensors.iter().all(|tensor| tensor.values.iter().all(|value| value.is_finite())));
    assert!(!tuned.embeddings.is_empty());
}

#[test]
fn gradients_that_are_all_zero_end_the_run_unless_nothing_is_left_to_learn() {
    let (_, tuning) = tuning(&options(quick()), 1 << 20, None);
    let check =
        |loss, norm| tuning.check(&Found { loss, norm, scores: Vec::new() }).map_err(|found| found.epoch);
    assert_eq!(check(1.0, 0.0), Err(1));
    assert_eq!(check(1.0, f64::INFINITY), Err(1));
    assert_eq!(check(f64::NAN, 1.0), Err(1));
    assert_eq!(check(0.0, 0.0), Ok(()));
    assert_eq!(check(1.0, 0.1), Ok(()));
}

/// The bits of all running statistics of a module.
#[derive(Default)]
struct Statistics {
    path: Vec<String>,
    bits: Vec<Vec<u32>>,
}

impl burn::module::ModuleVisitor for Statistics {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        if self.path.last().is_some_and(|name| name.starts_with("running_")) {
            self.bits.push(values(param.val()).unwrap().into_iter().map(f32::to_bits).collect());
        }
    }
}
