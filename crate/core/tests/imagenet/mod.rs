//! The page's sample photos of which the class of ImageNet is known: `tests/data/imagenet.csv` says why, for each. Those whose title names
//! no class, or one that only resembles a class (kangaroo and wallaby), are not in it.

use std::path::Path;

use rekindle::backbone::Classifier;
use rekindle::{Augment, Embedder, Pixels, Result, View};

/// A photo with its class.
pub struct Known {
    /// Path below `www/public/samples`.
    pub file: String,
    /// Number of the class, from 0, as all classifiers trained on ImageNet's 1000 have it.
    pub class: usize,
    /// Its first name.
    pub name: String,
    /// The photo.
    pub image: Pixels,
}

/// All of them.
pub fn known() -> Vec<Known> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = std::fs::read_to_string(root.join("tests/data/imagenet.csv")).unwrap();
    let row = |line: &str| {
        let [file, class, name, _because] =
            line.splitn(4, ',').collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("{line}"));
        let image = image::open(root.join("www/public/samples").join(file)).unwrap().into_rgb8();
        let image = Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap();
        Known { file: file.into(), class: class.parse().unwrap(), name: name.into(), image }
    };
    list.lines().skip(1).map(row).collect()
}

/// How many classes the classifier finds likelier than each photo's own; 0 where that is the likeliest.
///
/// # Errors
/// As [`Embedder::map`].
pub fn ranks(embedder: &Embedder, classifier: &Classifier, photos: &[Known]) -> Result<Vec<usize>> {
    let rank = |photo: &Known| {
        let view = embedder.view(&photo.image, View { index: 0, seed: 0 }, &Augment::default())?;
        let logits = classifier.logits(&embedder.map(&view)?)?;
        let own = logits.get(photo.class).copied().unwrap_or(f32::NEG_INFINITY);
        Ok(logits.iter().filter(|score| **score > own).count())
    };
    photos.iter().map(rank).collect()
}
