//! Findings that need no training: numbers of examples, groups, copies, images that show little.

use super::finding::{Finding, Kind, images, quoted};
use crate::dataset::{Dataset, Example, Groups, SMALLEST_CLASS_TO_HOLD_OUT, twins};
use std::collections::{BTreeMap, BTreeSet};

/// The largest class may have this many times the examples of the smallest; beyond it, weights in the loss no longer make
/// up for what the smallest has not seen.
const MOST_IMBALANCE: usize = 4;
/// An image is tiny where its shorter side is below this part of the backbone's input.
const LEAST_SIDE: f32 = 0.5;

/// Findings on a dataset whose images are read at `input_size` pixels squared.
pub(crate) fn of_images(dataset: &Dataset, groups: &Groups, input_size: u32) -> Vec<Finding> {
    let mut findings = of_numbers(dataset, groups);
    findings.extend(of_named_groups(dataset));
    findings.extend(of_copies(dataset));
    findings.extend(of_pixels(dataset, input_size));
    findings
}

fn of_numbers(dataset: &Dataset, groups: &Groups) -> Vec<Finding> {
    let classes: Vec<_> = dataset.classes().into_iter().filter(|class| class.count > 0).collect();
    let mut findings = Vec::new();
    if classes.len() < 2 {
        let message = match classes.first() {
            Some(only) => format!("Only “{}” has images.", only.label),
            None => "There are no images yet.".into(),
        };
        let advice = "Add images of at least two classes: it learns to tell one from the other.";
        findings.push(Finding::new(Kind::TooFewClasses, vec![], vec![], message, advice));
    }
    for class in &classes {
        let labels = vec![class.label.clone()];
        let own = || dataset.examples().iter().filter(|example| example.label == class.label);
        let count = own().map(|example| groups.group(example.id)).collect::<BTreeSet<_>>().len();
        if class.count < SMALLEST_CLASS_TO_HOLD_OUT {
            let message = format!("“{}” has {}.", class.label, images(class.count));
            let advice = format!(
                "Add more until it has at least {SMALLEST_CLASS_TO_HOLD_OUT}: with fewer none is held out, and how well the \
                 class is recognised is not measured."
            );
            let ids = own().map(|example| example.id).collect();
            findings.push(Finding::new(Kind::TooFew, labels, ids, message, advice));
        } else if count == 1 {
            let message = format!(
                "All {} of “{}” are of one burst or look almost the same.",
                images(class.count),
                class.label
            );
            let advice = "Add images of other things of the class, in other places and light: so far it may learn the \
                          background, and nothing can be held out to notice.";
            findings.push(Finding::new(
                Kind::OneGroup,
                labels,
                own().map(|e| e.id).collect(),
                message,
                advice,
            ));
        }
    }
    findings.extend(imbalance(dataset, &classes));
    findings
}

fn imbalance(dataset: &Dataset, classes: &[crate::dataset::ClassCount]) -> Option<Finding> {
    let least = classes.iter().min_by_key(|class| class.count)?;
    let most = classes.iter().max_by_key(|class| class.count)?;
    if most.count <= least.count * MOST_IMBALANCE {
        return None;
    }
    let message =
        format!("“{}” has {} and “{}” only {}.", most.label, images(most.count), least.label, least.count);
    let advice =
        format!("Add images of “{}”: what it was never shown, no weighting makes up for.", least.label);
    let labels = vec![least.label.clone(), most.label.clone()];
    let own = dataset.examples().iter().filter(|example| example.label == least.label);
    let ids = own.map(|example| example.id).collect();
    Some(Finding::new(Kind::Imbalance, labels, ids, message, advice))
}

fn of_named_groups(dataset: &Dataset) -> Vec<Finding> {
    let mut named = BTreeMap::<&str, Vec<&Example>>::new();
    for example in dataset.examples() {
        if let Some(name) = &example.group {
            named.entry(name).or_default().push(example);
        }
    }
    let finding = |(name, members): (&str, Vec<&Example>)| {
        let labels = labels_of(&members);
        let message = format!("The group “{name}” has images of {}.", quoted(&labels));
        let advice = "If they were taken together, leave it: they are learnt from or judged as a whole. If some are in \
                      the wrong class, move them.";
        let ids = members.iter().map(|example| example.id).collect();
        (labels.len() > 1).then(|| Finding::new(Kind::GroupAcrossClasses, labels, ids, message, advice))
    };
    named.into_iter().filter_map(finding).collect()
}

/// One finding for each kind of copies that there is.
fn of_copies(dataset: &Dataset) -> Vec<Finding> {
    let mut found = BTreeMap::<usize, (Vec<&Example>, BTreeSet<u32>)>::new();
    for (id, twin) in twins(dataset) {
        let (Some(one), Some(other)) = (dataset.get(id), dataset.get(twin)) else { continue };
        let same = dataset.traits(id).zip(dataset.traits(twin)).is_some_and(|(a, b)| a.is_same(b));
        let place = usize::from(one.label == other.label) * 2 + usize::from(!same);
        let (members, ids) = found.entry(place).or_default();
        for example in [one, other] {
            if ids.insert(example.id) {
                members.push(example);
            }
        }
    }
    found.into_iter().map(|(place, (members, _))| copies(place, &members)).collect()
}

fn copies(place: usize, members: &[&Example]) -> Finding {
    let labels = labels_of(members);
    let (count, which) = (images(members.len()), quoted(&labels));
    let (kind, message, advice) = match place {
        0 => (
            Kind::DuplicatesAcrossClasses,
            format!("{count} of {which} are copies of each other under different labels."),
            "One image has one label: remove the copies from the class where they do not belong.",
        ),
        1 => (
            Kind::NearDuplicatesAcrossClasses,
            format!("{count} of {which} look almost the same under different labels."),
            "Move or remove those with the wrong label.",
        ),
        2 => (
            Kind::Duplicates,
            format!("{count} are copies of each other."),
            "Remove the copies: they teach nothing new and count twice.",
        ),
        _ => (
            Kind::NearDuplicates,
            format!("{count} look almost the same."),
            "They are learnt from or judged together, so the accuracy stays honest; different images would teach more.",
        ),
    };
    Finding::new(kind, labels, members.iter().map(|example| example.id).collect(), message, advice)
}

fn of_pixels(dataset: &Dataset, input_size: u32) -> Vec<Finding> {
    let of = |is: &dyn Fn(&crate::image::Traits) -> bool| -> Vec<&Example> {
        let examples = dataset.examples().iter();
        examples.filter(|example| dataset.traits(example.id).is_some_and(is)).collect()
    };
    let least = (input_size as f32 * LEAST_SIDE) as u32;
    let blank = of(&|traits| traits.is_blank());
    let tiny = of(&|traits| traits.width.min(traits.height) < least);
    let finding = |kind, found: Vec<&Example>, message: &str, advice: &str| {
        let ids: Vec<u32> = found.iter().map(|example| example.id).collect();
        let message = format!("{} {message}", images(found.len()));
        (!found.is_empty()).then(|| Finding::new(kind, labels_of(&found), ids, message, advice))
    };
    [
        finding(Kind::Blank, blank, "of one even colour, with nothing to see.", "Remove them."),
        finding(
            Kind::Tiny,
            tiny,
            &format!("with a side under {least} pixels: it sees them enlarged and blurred."),
            "Use larger ones, unless the images to be recognised are as small.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The labels of examples, each once.
fn labels_of(examples: &[&Example]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for example in examples {
        if !labels.contains(&example.label) {
            labels.push(example.label.clone());
        }
    }
    labels
}
