use super::*;
use crate::prefix::cache::Features;
use crate::train::LabelledView;
use half::f16;

const LENGTH: usize = 8;

/// Views of `classes` clouds in a space of [`LENGTH`] features; the clouds overlap the more, the larger `noise` is.
fn clouds(classes: usize, each: usize, noise: f32, seed: u64) -> Views {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut view = |class: usize| {
        let features: Features = (0..LENGTH)
            .map(|i| {
                let centre = if i % classes == class { 3.0 } else { 0.0 };
                f16::from_f32(10.0 + centre + noise * rng.random_range(-1.0..1.0f32))
            })
            .collect();
        LabelledView { features, class }
    };
    Views::new(LENGTH, (0..classes * each).map(|i| view(i % classes)).collect())
}

fn options() -> TrainOptions {
    TrainOptions { epochs: 20, batch_size: 8, learning_rate: 1e-3, dropout: 0.2, ..TrainOptions::default() }
}

fn labels(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("class {i}")).collect()
}

fn trained(options: TrainOptions, train: Views, validation: Views, seed: u32) -> Outcome {
    let mut run = Run::new(options, labels(3), train, validation, seed);
    while run.step().unwrap() != Progress::Finished {}
    run.finish().unwrap()
}

fn weights(outcome: &Outcome) -> Vec<u32> {
    let tensors = outcome.head.to_tensors().unwrap();
    tensors.iter().flat_map(|t| t.values.iter().map(|v| v.to_bits())).collect()
}

#[test]
fn clouds_are_told_apart_by_either_head() {
    for hidden in [0, 16] {
        let options = TrainOptions { hidden, ..options() };
        let outcome = trained(options, clouds(3, 30, 1.0, 1), clouds(3, 20, 1.0, 2), 1);
        assert_eq!(outcome.validation.as_ref().unwrap().accuracy, 1.0);
        // The standardisation is folded in: the head reads raw features.
        let test = clouds(3, 20, 1.0, 3);
        let all: Vec<usize> = (0..test.len()).collect();
        let head = &outcome.head;
        let probabilities = head.probabilities(test.batch(&all, &head.device())).unwrap();
        assert_eq!(Metrics::new(&labels(3), &probabilities, &test.classes()).accuracy, 1.0);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let run = |seed| {
        let options = TrainOptions { hidden: 4, ..options() };
        trained(options, clouds(3, 10, 3.0, 1), clouds(3, 5, 3.0, 2), seed)
    };
    let (a, b, other) = (run(1), run(1), run(2));
    assert_eq!(a.rows, b.rows);
    assert_eq!(weights(&a), weights(&b));
    assert_ne!(weights(&a), weights(&other));
}

#[test]
fn early_stopping_restores_the_best_head() {
    // Validation labels that have nothing to do with the training ones: the loss soon gets worse.
    let noise = clouds(3, 20, 30.0, 9);
    let options = TrainOptions { epochs: 200, patience: 5, learning_rate: 0.05, ..options() };
    let outcome = trained(options, clouds(3, 10, 30.0, 8), noise.clone(), 1);
    let losses: Vec<f64> = outcome.rows.iter().map(|row| row.validation_loss.unwrap()).collect();
    let best = outcome.best_epoch as usize - 1;
    assert!(outcome.stopped_early);
    assert_eq!(outcome.rows.len(), best + 1 + 5);
    assert!(losses.iter().all(|loss| *loss >= losses[best]));
    assert_eq!(outcome.validation.as_ref().unwrap().loss, losses[best]);
    let all: Vec<usize> = (0..noise.len()).collect();
    let head = &outcome.head;
    let probabilities = head.probabilities(noise.batch(&all, &head.device())).unwrap();
    let kept = Metrics::new(&labels(3), &probabilities, &noise.classes()).loss;
    assert!((kept - losses[best]).abs() < 1e-4, "{kept} {}", losses[best]);
}

#[test]
fn without_validation_the_last_head_is_kept() {
    let options = TrainOptions { epochs: 3, ..options() };
    let outcome = trained(options, clouds(3, 4, 1.0, 1), Views::default(), 1);
    assert_eq!((outcome.best_epoch, outcome.stopped_early), (3, false));
    assert!(outcome.validation.is_none() && outcome.rows[0].validation_loss.is_none());
}

#[test]
fn balanced_weights_make_rare_classes_count_the_same() {
    let targets = Targets::new(&options(), 2, &[0, 0, 0, 1]);
    assert_eq!(targets.weights, [4.0 / 6.0, 2.0]);
    let flat = TrainOptions { class_weights: ClassWeights::None, ..options() };
    assert_eq!(Targets::new(&flat, 2, &[0, 0, 0, 1]).weights, [1.0, 1.0]);
}

/// Computed with numpy by the formula that PyTorch documents for `cross_entropy(label_smoothing=0.1)`: it spreads the smoothing
/// over all classes as we do.
#[test]
fn the_smoothed_loss_agrees_with_pytorch() {
    let flat = TrainOptions { class_weights: ClassWeights::None, label_smoothing: 0.1, ..options() };
    let scores = Tensor::<2>::from_data([[2.0, 1.0, -1.0], [0.5, 0.0, 1.5]], &Device::flex());
    let loss = Targets::new(&flat, 3, &[0, 2]).loss(scores, &[0, 2]).into_scalar::<f32>();
    assert!((loss - SMOOTHED_LOSS).abs() < 1e-6, "{loss}");
}
const SMOOTHED_LOSS: f32 = 0.515_023_8;

#[test]
fn gradients_agree_with_finite_differences() {
    let views = clouds(3, 2, 2.0, 4);
    let options = TrainOptions { hidden: 4, dropout: 0.0, ..options() };
    let run = Run::new(options, labels(3), views, Views::default(), 1);
    let batch: Vec<usize> = (0..6).collect();
    let loss = |head: &Head, device: &Device| {
        let features = run.train.standardised(&batch, &run.standardisation, device);
        run.targets.loss(head.forward(features, None), &run.train.classes())
    };
    // A zero output layer gives the hidden one no gradient; move it off.
    let mut tensors = run.head.valid().to_tensors().unwrap();
    for (i, value) in tensors.iter_mut().flat_map(|t| t.values.iter_mut()).enumerate() {
        *value += 0.3 * (i as f32).sin();
    }
    let flex = Device::flex();
    let head = Head::from_tensors(&tensors, &run.device).unwrap();
    let gradients = loss(&head, &run.device).backward();
    let found = head.gradients(&gradients);
    for (t, (tensor, gradients)) in tensors.iter().zip(&found).enumerate() {
        for (i, gradient) in gradients.iter().enumerate() {
            let at = |delta: f32| {
                let mut moved = tensors.clone();
                moved[t].values[i] += delta;
                loss(&Head::from_tensors(&moved, &flex).unwrap(), &flex).into_scalar::<f32>()
            };
            let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((expected - gradient).abs() < 2e-3, "{} {i}: {expected} {gradient}", tensor.name);
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run() {
    let features: Features = [f16::INFINITY; LENGTH].into();
    let views = (0..6).map(|i| LabelledView { features: features.clone(), class: i % 3 }).collect();
    let mut run = Run::new(options(), labels(3), Views::new(LENGTH, views), Views::default(), 1);
    assert_eq!(run.step().unwrap_err().code(), "TRAINING_DIVERGED");
}
