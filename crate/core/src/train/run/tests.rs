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
    let judged =
        |head: &Head| Metrics::new(&labels(3), &head.probabilities(&raw(&noise)), &noise.classes()).loss;
    let kept = outcome.validation.as_ref().unwrap().loss;
    assert!((judged(&outcome.head) - kept).abs() < 1e-4, "{kept}");
    let before = judged(&outcome.head.clone().heated(outcome.temperature));
    assert!((before - losses[best]).abs() < 1e-4, "{before} {}", losses[best]);
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
    assert_eq!((diverged.code.as_str(), diverged.phase), ("TRAINING_DIVERGED", Phase::Head));
    let losses: Vec<f64> = outcome.rows.iter().map(|row| row.validation_loss.unwrap()).collect();
    let accuracy = outcome.rows[outcome.best_epoch as usize - 1].validation_accuracy.unwrap();
    assert_eq!(outcome.validation.unwrap().accuracy, accuracy);
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

#[test]
fn gradients_that_say_nothing_end_the_run() {
    // Nothing differs from view to view, and every class is as frequent: no weight has a way to go.
    let view = |i: u32| LabelledView {
        features: [f16::ONE; LENGTH].into(),
        class: i as usize % 2,
        group: i,
        plain: true,
    };
    let views = Views::new(LENGTH, (0..8).map(view).collect());
    let options = TrainOptions { dropout: 0.0, ..options() };
    let mut run = Run::new(options, labels(2), views, Views::default(), 1);
    match run.step().unwrap_err() {
        Error::TrainingDiverged { epoch, reason } => {
            assert_eq!((epoch, reason.as_str()), (1, "every gradient is zero"))
        }
        other => panic!("{other}"),
    }
}

/// Heads that learnt overlapping clouds by heart, judged on clouds that neither training nor validation saw.
#[test]
fn the_temperature_of_a_head_that_is_trained_by_batches_fits_what_it_has_not_seen() {
    for (solver, hidden, validation) in [
        (Solver::Adamw, 0, clouds(3, 30, 8.0, 2)),
        (Solver::Sgd, 16, clouds(3, 30, 8.0, 2)),
        (Solver::Adamw, 16, Views::default()),
    ] {
        let options =
            TrainOptions { solver, hidden, epochs: 200, patience: 0, learning_rate: 0.05, ..options() };
        // The last epoch is the surest; with a validation set the best would be kept instead.
        let mut run = Run::new(options, labels(3), clouds(3, 20, 8.0, 1), validation, 1);
        while run.step().unwrap() != Progress::Finished {}
        let (head, epoch) = (run.learner.head(), run.epochs_done());
        run.best = Some(Best { epoch, validation: run.validate(&head), head });
        let outcome = run.finish().unwrap();
        assert!(outcome.temperature > 1.2, "{}", outcome.temperature);
        let test = clouds(3, 300, 8.0, 3);
        let judged =
            |head: &Head| Metrics::new(&labels(3), &head.probabilities(&raw(&test)), &test.classes());
        let (cooled, hot) =
            (judged(&outcome.head), judged(&outcome.head.clone().heated(outcome.temperature)));
        assert!((cooled.accuracy - hot.accuracy).abs() < 1e-9, "it changes no answer");
        assert!(cooled.loss < hot.loss, "{solver:?} {hidden}: {} {}", cooled.loss, hot.loss);
        assert!(cooled.calibration_error < hot.calibration_error, "{solver:?} {hidden}");
    }
}

#[test]
fn a_head_that_is_trained_by_batches_is_cross_validated_where_too_few_are_held_out() {
    let run = |held_out: usize, each: usize| {
        let options = TrainOptions { epochs: 3, ..options() };
        let validation = clouds(3, held_out, 3.0, 2);
        let mut run = Run::new(options, labels(3), clouds(3, each, 3.0, 1), validation, 1);
        let mut epochs = Vec::new();
        loop {
            match run.step().unwrap() {
                Progress::Epoch(row) => epochs.push(row),
                Progress::Step => {}
                Progress::Finished => break,
            }
        }
        let outcome = run.finish().unwrap();
        assert_eq!(outcome.rows, epochs);
        outcome
    };
    for held_out in [0, 3] {
        let outcome = run(held_out, 10);
        let crossed = outcome.cross_validation.as_ref().unwrap();
        assert_eq!((crossed.count, outcome.rows.len()), (30, 3), "every example is judged once");
        assert!(outcome.temperature != 1.0);
        assert_eq!(outcome.validation.is_some(), held_out > 0);
        assert_eq!(weights(&outcome), weights(&run(held_out, 10)));
    }
    let enough = run(4, 10);
    assert!(enough.cross_validation.is_none() && enough.temperature != 1.0);
    let many = run(0, 34);
    assert!(many.cross_validation.is_none() && many.temperature == 1.0, "some of them could be held out");
}

/// What is judged was not learnt from: of labels that nothing explains, it finds no more than chance.
#[test]
fn cross_validation_by_batches_does_not_see_what_it_judges() {
    let mut noise = clouds(3, 30, 1.0, 4);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let views = (0..noise.len()).map(|at| LabelledView {
        features: (0..LENGTH).map(|_| f16::from_f32(rng.random_range(-1.0..1.0))).collect(),
        class: at % 3,
        group: at as u32,
        plain: true,
    });
    noise = Views::new(LENGTH, views.collect());
    let options =
        TrainOptions { hidden: 64, epochs: 100, patience: 0, dropout: 0.0, learning_rate: 0.01, ..options() };
    let outcome = trained(options, noise, Views::default(), 1);
    assert!(outcome.rows.last().unwrap().train_accuracy > 0.9, "it learns them by heart");
    let accuracy = outcome.cross_validation.unwrap().accuracy;
    assert!(accuracy < 0.5, "{accuracy}");
}

/// After a class was added, a training goes on from the head that there was.
#[test]
fn a_warm_start_begins_with_a_lower_loss() {
    let two = |views: &Views| {
        let first: Vec<usize> = (0..views.len()).filter(|at| views.class(*at) < 2).collect();
        views.some(&first)
    };
    let train = clouds(3, 20, 2.0, 1);
    for (before, after, hidden) in [
        (Solver::Lbfgs, Solver::Lbfgs, 0),
        (Solver::Adamw, Solver::Adamw, 0),
        (Solver::Lbfgs, Solver::Adamw, 0),
        (Solver::Adamw, Solver::Lbfgs, 0),
        (Solver::Adamw, Solver::Adamw, 16),
    ] {
        let options = |solver| TrainOptions {
            solver,
            hidden,
            epochs: 30,
            dropout: 0.0,
            learning_rate: 0.01,
            ..options()
        };
        let mut run = Run::new(options(before), labels(2), two(&train), Views::default(), 1);
        while run.step().unwrap() != Progress::Finished {}
        let outcome = run.finish().unwrap();
        let known = outcome.head.for_classes(&[Some(0), Some(1), None]).heated(outcome.temperature);
        let first = |start: Option<&Head>| {
            let mut run = Run::new(options(after), labels(3), train.clone(), Views::default(), 1);
            if let Some(head) = start {
                run.start_from(head);
            }
            loop {
                if let Progress::Epoch(row) = run.step().unwrap() {
                    return row.train_loss;
                }
            }
        };
        let (warm, cold) = (first(Some(&known)), first(None));
        assert!(warm < cold, "{before:?} {after:?} {hidden}: {warm} {cold}");
        // A head of another size is none to go on from.
        let other = Head::new(LENGTH, 7, 3, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(first(Some(&other)), cold);
    }
}
