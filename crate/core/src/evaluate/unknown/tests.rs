use super::*;
use crate::train::photos;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Embeddings around two directions of the plane.
fn known() -> Vec<Vec<f16>> {
    (0..40)
        .map(|i| {
            let angle = if i % 2 == 0 { 0.0 } else { 1.5 } + 0.01 * i as f32;
            [angle.cos() * (1.0 + i as f32), angle.sin() * (1.0 + i as f32)].map(f16::from_f32).to_vec()
        })
        .collect()
}

/// The threshold of embeddings of two classes by turns, each a group of its own.
fn fitted(known: &[Vec<f16>]) -> Unknown {
    let example = |(at, row)| Known { embedding: row, class: at % 2, group: at as u32 };
    Unknown::fit(2, &known.iter().map(Vec::as_slice).enumerate().map(example).collect::<Vec<_>>())
}

fn floats(row: &[f16]) -> Vec<f32> {
    row.iter().map(|value| value.to_f32()).collect()
}

/// Embedding and class of real photos: `tests/golden/solver/README.md` says which.
fn real(train: bool) -> Vec<(Vec<f16>, usize)> {
    let views = photos(train);
    let by =
        crate::train::Standardisation { unit: false, ..crate::train::Standardisation::unit(views.length()) };
    let row = |at: usize| views.standardised(&[at], &by).into_iter().map(f16::from_f32).collect();
    (0..views.len()).map(|at| (row(at), views.class(at))).collect()
}

/// Share of rows that are called unknown.
fn alarms<'a>(unknown: &Unknown, rows: impl Iterator<Item = &'a [f16]>) -> f64 {
    let alarms: Vec<bool> = rows.map(|row| unknown.is_unknown(&floats(row))).collect();
    alarms.iter().filter(|alarm| **alarm).count() as f64 / alarms.len() as f64
}

#[test]
fn what_lies_between_the_known_is_unknown_whatever_its_length() {
    let unknown = fitted(&known());
    for length in [0.1, 1.0, 50.0] {
        assert!(!unknown.is_unknown(&[length * 0.99, length * 0.05]));
        assert!(unknown.is_unknown(&[-length, -length]));
    }
    assert!((unknown.similarity(&[3.0, 0.0]) - 1.0).abs() < 1e-3);
}

#[test]
fn few_of_the_known_are_called_unknown() {
    let known = known();
    let unknown = fitted(&known);
    assert_eq!(known.iter().filter(|e| unknown.is_unknown(&floats(e))).count(), 0);
    assert!(unknown.threshold() > 0.99);
}

#[test]
fn with_few_examples_nothing_is_called_unknown() {
    let unknown = fitted(&known()[..FEWEST_REFERENCES - 1]);
    assert!(!unknown.is_unknown(&[-1.0, -1.0]));
}

#[test]
fn an_even_sample_is_kept_of_many() {
    let many: Vec<_> = (0..5000).map(|i| vec![f16::ONE, f16::from_f32(i as f32 / 5000.0)]).collect();
    let unknown = fitted(&many);
    assert!(unknown.references().len() / 2 <= MOST_REFERENCES);
    assert!(unknown.similarity(&[1.0, 1.0]) > 0.999, "the last ones are in the sample");
}

/// Photos that nothing was fitted on are called unknown about as often as is stated, strange ones far more often.
#[test]
fn real_photos_are_called_unknown_at_the_stated_rate() {
    let (train, test) = (real(true), real(false));
    let mut known_alarms = Vec::new();
    let mut strange_alarms = Vec::new();
    for first in 0..6 {
        for second in first + 1..6 {
            let is_known = |class: usize| class != first && class != second;
            let learnt: Vec<_> = train.iter().zip(0..).filter(|((_, class), _)| is_known(*class)).collect();
            let example = |((row, class), group): &(&(Vec<f16>, usize), u32)| (row.clone(), *class, *group);
            let learnt: Vec<_> = learnt.iter().map(example).collect();
            let known = learnt.iter().map(|(embedding, class, group)| Known {
                embedding,
                class: *class,
                group: *group,
            });
            let unknown = Unknown::fit(learnt[0].0.len(), &known.collect::<Vec<_>>());
            let rows = |known| {
                let of = move |(_, class): &&(Vec<f16>, usize)| is_known(*class) == known;
                test.iter().filter(of).map(|(row, _)| &row[..])
            };
            known_alarms.push(alarms(&unknown, rows(true)));
            strange_alarms.push(alarms(&unknown, rows(false)));
        }
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let (known, strange) = (mean(&known_alarms), mean(&strange_alarms));
    // Of 57 photos in all, at five in a hundred: three times that would be seen once in a hundred draws.
    assert!(known > 0.0 && known < 3.0 * FALSE_ALARM_RATE, "{known} {strange}");
    assert!(strange > 5.0 * known, "{known} {strange}");
}

/// Each photo as a burst of four that differ a little.
#[test]
fn a_burst_raises_the_threshold_only_where_nobody_says_that_it_is_one() {
    let (train, test) = (real(true), real(false));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut near = |row: &[f16]| -> Vec<f16> {
        row.iter().map(|v| f16::from_f32(v.to_f32() * rng.random_range(0.9..1.1f32))).collect()
    };
    let burst: Vec<(Vec<f16>, usize, u32)> = train
        .iter()
        .zip(0..)
        .flat_map(|((row, class), group)| [(); 4].map(|()| (near(row), *class, group)))
        .collect();
    let length = burst[0].0.len();
    let fit = |grouped: bool| {
        let known = burst.iter().zip(1000..).map(|((embedding, class, group), own)| Known {
            embedding,
            class: *class,
            group: if grouped { *group } else { own },
        });
        Unknown::fit(length, &known.collect::<Vec<_>>())
    };
    let alone = train.iter().zip(0..);
    let alone: Vec<_> =
        alone.map(|((embedding, class), group)| Known { embedding, class: *class, group }).collect();
    let alone = Unknown::fit(length, &alone);
    let (told, untold) = (fit(true), fit(false));
    assert!(
        (told.threshold() - alone.threshold()).abs() < 0.02,
        "{} {}",
        told.threshold(),
        alone.threshold()
    );
    let rows = || test.iter().map(|(row, _)| &row[..]);
    let (told, untold) = (alarms(&told, rows()), alarms(&untold, rows()));
    assert!(told < 3.0 * FALSE_ALARM_RATE && untold > 0.5, "{told} {untold}");
}

/// Directions of the plane, in degrees.
fn at(degrees: f32) -> Vec<f16> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin].map(f16::from_f32).to_vec()
}

#[test]
fn a_class_of_one_group_says_nothing_unless_all_are_so() {
    // One class in steps of five degrees; the other in one place, forty degrees off, all of one burst.
    let spread: Vec<Vec<f16>> = (0..12).map(|i| at(5.0 * i as f32)).collect();
    let burst = vec![at(95.0); 12];
    let example = |class: usize, first: u32| {
        move |(row, own): (_, u32)| Known {
            embedding: row,
            class,
            group: if first == 0 { own } else { first },
        }
    };
    let both = spread.iter().map(Vec::as_slice).zip(0..).map(example(0, 0));
    let both: Vec<Known> = both.chain(burst.iter().map(Vec::as_slice).zip(0..).map(example(1, 99))).collect();
    let expected = 5f32.to_radians().cos();
    let found = Unknown::fit(2, &both).threshold();
    assert!((found - expected).abs() < 1e-2, "{found} {expected}");
    let bursts = spread[..1].iter().cycle().take(12).map(Vec::as_slice).zip(0..).map(example(0, 98));
    let bursts: Vec<Known> =
        bursts.chain(burst.iter().map(Vec::as_slice).zip(0..).map(example(1, 99))).collect();
    let unknown = Unknown::fit(2, &bursts);
    assert!(!unknown.is_unknown(&[1.0, 0.1]) && unknown.is_unknown(&[-1.0, -1.0]));
    let one: Vec<Known> = spread.iter().map(Vec::as_slice).zip(0..).map(example(0, 97)).collect();
    let one = Unknown::fit(2, &one);
    assert!(!one.is_unknown(&[-1.0, -1.0]), "nothing is in another group");
}

#[test]
fn what_was_held_out_sets_the_threshold_where_there_is_enough_of_it() {
    let learnt = vec![at(0.0); 20];
    let known: Vec<Known> =
        learnt.iter().zip(0..).map(|(embedding, group)| Known { embedding, class: 0, group }).collect();
    assert!(Unknown::fit(2, &known).threshold() > 0.999, "what was learnt by heart lies together");
    let held_out: Vec<Vec<f16>> = (0..20).map(|i| at(i as f32)).collect();
    let fit = |count| Unknown::fit_held_out(2, &known, held_out.iter().take(count).map(Vec::as_slice));
    // One of twenty may be missed: the one at nineteen degrees.
    let expected = 18f32.to_radians().cos();
    assert!((fit(20).threshold() - expected).abs() < 1e-2, "{} {expected}", fit(20).threshold());
    assert_eq!(fit(FEWEST_REFERENCES - 1).threshold(), Unknown::fit(2, &known).threshold());
}
