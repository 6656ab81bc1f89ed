use super::*;
use crate::evaluate::argmax;
use crate::train::prototypes::views;
use crate::train::solve::photos;
use crate::train::{LabelledView, Prototypes};
use half::f16;

/// Raw features of views, and their classes.
fn raw(views: &Views) -> (Vec<f32>, Vec<usize>) {
    let (count, length) = (views.len(), views.length());
    let as_they_are = Standardisation { unit: false, mean: vec![0.0; length], scale: vec![1.0; length] };
    let rows = views.standardised(&(0..count).collect::<Vec<_>>(), &as_they_are);
    (rows, views.classes())
}

fn scores(neighbours: &Neighbours, views: &Views) -> Vec<f32> {
    neighbours.head().with_unit(true).scores(&raw(views).0)
}

/// `tests/golden/neighbours/README.md` says what is compared and how closely.
#[test]
fn the_neighbours_are_those_of_scikit_learn() {
    let file = include_str!("../../../../../tests/golden/neighbours/expected.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let (train, test) = (photos(true), photos(false));
    for nearest in NEAREST {
        let chosen = Neighbourhood { nearest, temperature: 1.0 };
        let found = scores(&Neighbours::new(&train, 6, 1, Some(chosen)), &test);
        let expected = file["scores"][nearest.to_string()].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < 1e-4, "{found} {expected}");
        }
        if nearest == 1 {
            let predicted: Vec<usize> = found.chunks_exact(6).map(argmax).collect();
            assert_eq!(serde_json::json!(predicted), file["nearest"]);
        }
    }
}

#[test]
fn what_means_cannot_tell_apart_neighbours_do() {
    // The first class is on both sides of the second.
    let train = views(&[&[0.0, 4.0, 8.0, 80.0, 84.0, 88.0], &[40.0, 42.0, 44.0, 46.0]]);
    let test = views(&[&[-3.0, 12.0, 76.0, 91.0], &[36.0, 50.0]]);
    let accuracy = |head: Head| {
        let found = head.with_unit(true).probabilities(&raw(&test).0);
        let right = found.chunks_exact(2).map(argmax).zip(test.classes()).filter(|(a, b)| a == b).count();
        right as f64 / test.len() as f64
    };
    let mut neighbours = Neighbours::new(&train, 2, 1, None);
    assert_eq!(neighbours.step().unwrap().accuracy(), 1.0);
    assert!(neighbours.ended());
    assert_eq!(accuracy(neighbours.head()), 1.0);
    assert!(accuracy(Prototypes::new(&train, 2, 1).head()) < 1.0);
}

#[test]
fn what_is_chosen_fits_the_examples_that_are_left_out() {
    let (train, test) = (photos(true), photos(false));
    let neighbours = Neighbours::new(&train, 6, 1, None);
    let held_out = neighbours.held_out().unwrap();
    assert_eq!(held_out.views.len(), train.len());
    let truth: Vec<usize> = held_out.views.iter().map(|view| train.class(*view)).collect();
    assert_eq!(held_out.truth, truth);
    let mut seen = held_out.views.clone();
    seen.sort_unstable();
    assert_eq!(seen, (0..train.len()).collect::<Vec<_>>(), "every example is judged once");
    let Neighbourhood { temperature, .. } = neighbours.chosen();
    let found = scores(&neighbours, &test);
    let loss = |by: f32| {
        let rows: Vec<f32> = found.iter().map(|score| score * temperature / by).collect();
        let views = (0..test.len()).collect();
        HeldOut::new(views, test.classes(), rows, 6, 1.0).loss()
    };
    assert!(loss(temperature) < loss(1.0), "{} {}", loss(temperature), loss(1.0));
}

#[test]
fn examples_of_one_group_do_not_judge_each_other() {
    // Two classes of two groups; in each group are two views that are the same.
    let view = |(class, group, angle): (usize, u32, f32)| {
        let (sin, cos) = angle.to_radians().sin_cos();
        LabelledView { features: [cos, sin].map(f16::from_f32).into(), class, group, plain: true }
    };
    // Without its own group each view is nearest to the other class.
    let all = [(0, 0, 0.0), (0, 0, 0.0), (1, 1, 5.0), (1, 1, 5.0), (0, 2, 60.0), (0, 2, 60.0)];
    let all = all.into_iter().chain([(1, 3, 65.0), (1, 3, 65.0)]);
    let neighbours = Neighbours::new(&Views::new(2, all.map(view).collect()), 2, 1, None);
    let held_out = neighbours.held_out().unwrap();
    let own = held_out.probabilities.chunks_exact(2).zip(&held_out.truth).map(|(row, class)| row[*class]);
    assert!(own.clone().all(|probability| probability <= 0.5), "{:?}", own.collect::<Vec<_>>());
}

#[test]
fn many_views_are_judged_in_parts() {
    let train = views(&[&[0.0; 400], &[90.0; 200]]);
    let mut neighbours = Neighbours::new(&train, 2, 1, Some(Neighbourhood { nearest: 1, temperature: 1.0 }));
    let sums: Vec<Option<f64>> = (0..3).map(|_| neighbours.step().map(|sums| sums.accuracy())).collect();
    assert_eq!(sums, [None, None, Some(1.0)]);
    assert!(neighbours.ended());
}

#[test]
fn one_example_a_class_leaves_nothing_to_choose_by() {
    let neighbours = Neighbours::new(&views(&[&[0.0], &[90.0]]), 2, 1, None);
    assert_eq!(neighbours.chosen(), Neighbourhood { nearest: 1, temperature: 1.0 });
    assert!(neighbours.held_out().is_none());
}

#[test]
fn an_even_sample_of_many_examples_is_kept() {
    let truth: Vec<usize> = (0..6000).map(|place| usize::from(place % 10 == 0)).collect();
    let places = kept(&truth, 2);
    let count = |class| places.iter().filter(|place| truth[**place] == class).count();
    assert_eq!((count(0), count(1)), (900, 600));
    assert_eq!(kept(&truth[..2000], 2).len(), 2000);
    assert!(kept(&truth, 3).len() <= 2000 && kept(&[], 2).is_empty());
}

#[test]
fn only_a_few_examples_of_each_class_suit() {
    assert!(Neighbours::suits(&views(&[&[0.0; 5], &[9.0; 2]]), 2));
    assert!(!Neighbours::suits(&views(&[&[0.0; 6], &[9.0; 2]]), 2));
}
