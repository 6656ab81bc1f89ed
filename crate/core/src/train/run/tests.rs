use super::*;
use crate::prefix::cache::Features;
use crate::train::tune::Schedule;
use crate::train::{ClassWeights, LabelledView};
use half::f16;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const LENGTH: usize = 8;

/// Views of `classes` clouds in a space of [`LENGTH`] features; the clouds overlap the more, the larger `noise` is.
fn clouds(classes: usize, each: usize, noise: f32, seed: u64) -> Views {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut view = |class: usize, group: u32| {
        let features: Features = (0..LENGTH)
            .map(|i| {
                let centre = if i % classes == class { 3.0 } else { 0.0 };
                f16::from_f32(10.0 + centre + noise * rng.random_range(-1.0..1.0f32))
            })
            .collect();
        LabelledView { features, class, group, plain: true }
    };
    Views::new(LENGTH, (0..classes * each).map(|i| view(i % classes, i as u32)).collect())
}

fn options() -> TrainOptions {
    TrainOptions {
        solver: Solver::Adamw,
        epochs: 20,
        batch_size: 8,
        learning_rate: 1e-3,
        dropout: 0.2,
        ..TrainOptions::default()
    }
}

fn labels(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("class {i}")).collect()
}

fn trained(options: TrainOptions, train: Views, validation: Views, seed: u32) -> Outcome {
    let mut run = Run::new(options, labels(3), train, validation, seed);
    while run.step().unwrap() != Progress::Finished {}
    run.finish().unwrap()
}

/// All features as they are.
fn raw(views: &Views) -> Vec<f32> {
    let all: Vec<usize> = (0..views.len()).collect();
    let identity = Standardisation { unit: false, mean: vec![0.0; LENGTH], scale: vec![1.0; LENGTH] };
    views.standardised(&all, &identity)
}

fn weights(outcome: &Outcome) -> Vec<u32> {
    let tensors = outcome.head.to_tensors();
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
        let probabilities = outcome.head.probabilities(&raw(&test));
        assert_eq!(Metrics::new(&labels(3), &probabilities, &test.classes()).accuracy, 1.0);
    }
}

#[test]
fn every_way_down_tells_clouds_apart_and_they_differ() {
    let mut all = Vec::new();
    for (solver, hidden, learning_rate) in
        [(Solver::Adamw, 0, 0.01), (Solver::Adam, 0, 0.01), (Solver::Sgd, 0, 0.1), (Solver::Sgd, 8, 0.1)]
    {
        for schedule in [Schedule::Cosine, Schedule::Onecycle] {
            for mixup in [0.0, 0.4] {
                let options = TrainOptions {
                    solver,
                    hidden,
                    learning_rate,
                    schedule,
                    mixup,
                    weight_decay: 0.1,
                    ..options()
                };
                let outcome = trained(options, clouds(3, 20, 1.0, 1), clouds(3, 20, 1.0, 2), 1);
                assert_eq!(outcome.validation.as_ref().unwrap().accuracy, 1.0, "{solver:?} {schedule:?}");
                all.push((mixup, weights(&outcome), outcome.rows.last().unwrap().train_loss));
            }
        }
    }
    for (at, (_, weights, _)) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|(_, others, _)| others != weights), "{at} is like one before it");
    }
    // What is mixed of two classes cannot be told to be one.
    for pair in all.chunks_exact(2) {
        assert!(pair[0].0 == 0.0 && pair[1].2 > pair[0].2 + 0.1, "{} {}", pair[0].2, pair[1].2);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    for hidden in [0, 4] {
        let run = |seed| {
            let options = TrainOptions { hidden, ..options() };
            trained(options, clouds(3, 10, 3.0, 1), clouds(3, 5, 3.0, 2), seed)
        };
        let (a, b, other) = (run(1), run(1), run(2));
        assert_eq!(a.rows, b.rows);
        assert_eq!(weights(&a), weights(&b));
        assert_ne!(weights(&a), weights(&other));
    }
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
    let probabilities = outcome.head.probabilities(&raw(&noise));
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
fn the_solver_goes_to_the_optimum_whatever_the_validation() {
    let options = TrainOptions { solver: Solver::Lbfgs, epochs: 200, patience: 1, ..options() };
    let run = |seed| trained(options.clone(), clouds(3, 20, 3.0, 1), clouds(3, 20, 30.0, 9), seed);
    let outcome = run(1);
    assert!(outcome.stopped_early && outcome.best_epoch as usize == outcome.rows.len());
    assert!(outcome.strength.is_some() && outcome.temperature != 1.0);
    let crossed = outcome.cross_validation.as_ref().unwrap();
    assert_eq!(crossed.count, 60, "every example is judged once");
    assert!(crossed.accuracy > 0.8, "{}", crossed.accuracy);
    let probabilities = outcome.head.probabilities(&raw(&clouds(3, 20, 30.0, 9)));
    let judged = Metrics::new(&labels(3), &probabilities, &clouds(3, 20, 30.0, 9).classes()).loss;
    let reported = outcome.validation.as_ref().unwrap().loss;
    assert!((judged - reported).abs() < 1e-4, "the report is of the head that is kept: {judged} {reported}");
    assert_eq!(weights(&outcome), weights(&run(1)), "the same seed gives the same bits");
}

#[test]
fn one_example_a_class_is_solved_without_a_choice() {
    let options = TrainOptions { solver: Solver::Lbfgs, ..options() };
    let outcome = trained(options, clouds(3, 1, 1.0, 1), Views::default(), 1);
    assert_eq!((outcome.strength, outcome.temperature), (Some(0.1), 1.0));
    assert!(outcome.cross_validation.is_none(), "nothing could be left out");
    let probabilities = outcome.head.probabilities(&raw(&clouds(3, 5, 1.0, 2)));
    assert_eq!(Metrics::new(&labels(3), &probabilities, &clouds(3, 5, 1.0, 2).classes()).accuracy, 1.0);
}

#[test]
fn auto_is_one_of_those_it_compares() {
    let run =
        |solver, train: Views| trained(TrainOptions { solver, ..options() }, train, clouds(3, 20, 1.0, 2), 1);
    let few = clouds(3, 4, 1.0, 1);
    let [means, near, solved, auto] = [Solver::Prototype, Solver::Neighbours, Solver::Lbfgs, Solver::Auto]
        .map(|solver| run(solver, few.clone()));
    assert_eq!((means.rows.len(), means.strength), (1, None));
    assert!(means.head.unit() && means.temperature != 1.0);
    assert!(near.head.unit() && near.neighbours.is_some() && near.strength.is_none());
    assert!([weights(&means), weights(&near), weights(&solved)].contains(&weights(&auto)));
    let test = clouds(3, 20, 1.0, 3);
    for outcome in [means, near, solved, auto] {
        let probabilities = outcome.head.probabilities(&raw(&test));
        let judged = Metrics::new(&labels(3), &probabilities, &test.classes());
        assert!(judged.accuracy > 0.9, "{judged:?}");
    }
}

/// Each class is in two opposite directions: no plane and no mean tells them apart.
#[test]
fn neighbours_are_taken_of_few_examples_where_they_are_clearly_better() {
    let at = |class: usize, group: usize, place: f32| {
        let mut features = [f16::ZERO; LENGTH];
        let (sin, cos) = place.to_radians().sin_cos();
        (features[0], features[1]) = (f16::from_f32(cos), f16::from_f32(sin));
        LabelledView { features: features.into(), class, group: group as u32, plain: true }
    };
    let views = |each: usize| {
        let first = (0..each).map(|i| at(0, i, if i % 2 == 0 { 0.0 } else { 180.0 } + i as f32));
        let second = (0..each).map(|i| at(1, each + i, if i % 2 == 0 { 90.0 } else { 270.0 } + i as f32));
        Views::new(LENGTH, first.chain(second).collect())
    };
    let run = |train: Views, strategy| {
        let options = TrainOptions { solver: Solver::Auto, strategy, ..options() };
        let mut run = Run::new(options, labels(2), train, Views::default(), 1);
        while run.step().unwrap() != Progress::Finished {}
        run.finish().unwrap()
    };
    assert!(run(views(5), Strategy::Head).neighbours.is_some());
    assert!(run(views(6), Strategy::Head).neighbours.is_none(), "more than five of a class");
    assert!(run(views(5), Strategy::Partial).neighbours.is_none(), "stages are to be trained");
}

#[test]
fn a_run_that_diverges_after_a_good_epoch_keeps_that() {
    // Each step multiplies the weights by -9: they pass what a number can be in some epochs.
    let options = TrainOptions {
        learning_rate: 1.0,
        weight_decay: 10.0,
        epochs: 400,
        patience: 0,
        class_weights: ClassWeights::None,
        ..options()
    };
    let outcome = trained(options, clouds(3, 20, 30.0, 1), clouds(3, 20, 1.0, 2), 1);
    let diverged = outcome.diverged.unwrap();
    assert_eq!(diverged.epoch as usize, outcome.rows.len() + 1);
    assert!(outcome.stopped_early && outcome.best_epoch < diverged.epoch, "{diverged:?}");
    let losses: Vec<f64> = outcome.rows.iter().map(|row| row.validation_loss.unwrap()).collect();
    assert_eq!(outcome.validation.unwrap().loss, losses[outcome.best_epoch as usize - 1]);
    assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    let tensors = outcome.head.to_tensors();
    assert!(tensors.iter().all(|tensor| tensor.values.iter().all(|value| value.is_finite())));
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run() {
    let features: Features = [f16::INFINITY; LENGTH].into();
    let view =
        |i: u32| LabelledView { features: features.clone(), class: i as usize % 3, group: i, plain: true };
    for solver in [Solver::Lbfgs, Solver::Prototype, Solver::Neighbours, Solver::Auto, Solver::Adamw] {
        let views = Views::new(LENGTH, (0..6).map(view).collect());
        let options = TrainOptions { solver, ..options() };
        let mut run = Run::new(options, labels(3), views, Views::default(), 1);
        let error = (0..1000).find_map(|_| run.step().err());
        assert_eq!(error.unwrap().code(), "TRAINING_DIVERGED");
    }
}
