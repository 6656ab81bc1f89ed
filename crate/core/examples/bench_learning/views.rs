//! How many views of each photo to train on: what more of them gain on photos that were perturbed, and what they cost.

use std::collections::BTreeMap;

use rekindle::Tuner;
use rekindle::train::TrainOptions;

use crate::measure::{DRAWS, all_trained, answers, few_photos, parts, share};
use crate::perturb::KINDS;
use crate::photos::{MOST_VIEWS, PERTURBED, Photos, SETS};
use crate::table::Row;

/// Views that are compared; each view is one image to embed.
const COUNTS: [u32; 4] = [1, 2, 4, MOST_VIEWS];

/// How often photos were named right.
#[derive(Default)]
struct Judged {
    perturbed: Things,
    as_they_are: Things,
    /// Shares right of the photos as they are, and of each way to perturb.
    kinds: [Vec<f64>; KINDS.len() + 1],
    answers: usize,
}

/// By the thing that is on a photo: shares right, one a photo and training.
type Things = BTreeMap<u32, Vec<f64>>;

impl Judged {
    /// Judges photos that a project was not trained on.
    fn add(&mut self, photos: &Photos, tuner: &Tuner, indices: &[usize]) -> rekindle::Result<()> {
        let labels = photos.labels_of(indices);
        let plain = answers(&tuner.predict(&photos.plain(indices))?, &labels);
        self.kinds[0].push(share(&plain));
        let mut right = vec![Vec::new(); indices.len()];
        for (kind, shares) in self.kinds[1..].iter_mut().enumerate() {
            for draw in 0..PERTURBED {
                let answers = answers(&tuner.predict(&photos.perturbed(indices, draw, kind))?, &labels);
                shares.push(share(&answers));
                right.iter_mut().zip(answers).for_each(|(right, answer)| right.push(answer));
            }
        }
        for ((index, right), plain) in indices.iter().zip(&right).zip(plain) {
            self.answers += right.len();
            let thing = photos.photo(*index).group;
            self.perturbed.entry(thing).or_default().push(share(right));
            self.as_they_are.entry(thing).or_default().push(share(&[plain]));
        }
        Ok(())
    }
}

/// What is gained over another, one value a thing: answers about one thing stand or fall together.
fn less(own: &Things, other: &Things) -> Vec<f64> {
    own.values().zip(other.values()).map(|(own, other)| mean(own) - mean(other)).collect()
}

/// The gains of more views, with many photos to learn from and with few.
pub fn gains(photos: &Photos) -> rekindle::Result<Vec<Row>> {
    let folds = |views, judged: &mut Judged| {
        for set in 0..SETS {
            for (learnt, out) in parts(photos, 0) {
                let options = TrainOptions { views, ..all_trained() };
                judged.add(photos, &photos.trained_on_set(&learnt, &options, set, 0)?, &out)?;
            }
        }
        Ok(())
    };
    let test = photos.of_set(false);
    let few = |views, judged: &mut Judged| {
        for draw in 0..DRAWS {
            let options = TrainOptions { views, ..all_trained() };
            let tuner = photos.trained_on_set(&few_photos(photos, draw), &options, draw % SETS, draw)?;
            judged.add(photos, &tuner, &test)?;
        }
        Ok(())
    };
    let many = format!("Five group folds of all photos, views drawn {SETS} times");
    let some = format!("{DRAWS} draws of 5 photos a class, judged on the test photos");
    let mut rows = compared("perturbed photos", &many, folds)?;
    rows.extend(compared("the same, 5 images a class", &some, few)?);
    Ok(rows)
}

/// A row for each number of views above one.
fn compared(
    measure: &str,
    how: &str,
    judge: impl Fn(u32, &mut Judged) -> rekindle::Result<()>,
) -> rekindle::Result<Vec<Row>> {
    let mut all = Vec::new();
    for views in COUNTS {
        let mut judged = Judged::default();
        judge(views, &mut judged)?;
        all.push((views, judged));
    }
    let row = |place: usize| {
        let ((views, judged), (_, one)) = (&all[place], &all[0]);
        let things = judged.perturbed.len();
        let mut note = format!("{how}; {things} things, {} answers.", judged.answers);
        for (fewer, other) in &all[..place] {
            let perturbed = paired(&less(&judged.perturbed, &other.perturbed));
            let plain = paired(&less(&judged.as_they_are, &other.as_they_are));
            note += &format!(" Less {fewer}: {perturbed}; photos as they are {plain}.");
        }
        let kinds = ["as they are", "rotation", "crop", "brightness"];
        let levels = judged.kinds.iter().zip(&one.kinds).zip(kinds);
        let levels =
            levels.map(|((more, one), kind)| format!("{kind} {:.3} and {:.3}", mean(one), mean(more)));
        note += &format!(" With one view and with {views}: {}.", levels.collect::<Vec<_>>().join("; "));
        let name = format!("{measure}: {views} views less 1, {views} times the embedding");
        let reference = "linear head: 0.868 with 1 view, 0.867 with 5, 0.878 with 10";
        Row::at_least(name, &less(&judged.perturbed, &one.perturbed), 0.0, reference).note(note)
    };
    Ok((1..all.len()).map(row).collect())
}

/// A mean gain and its standard error by the paired t test, one value a thing: with this many the normal distribution serves.
fn paired(gains: &[f64]) -> String {
    let (count, mean) = (gains.len() as f64, mean(gains));
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let chance = if error > 0.0 { libm::erfc((mean / error).abs() / std::f64::consts::SQRT_2) } else { 1.0 };
    format!("{mean:+.4} ± {error:.4} (p = {chance:.2})")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
