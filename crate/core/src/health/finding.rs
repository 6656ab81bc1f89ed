//! One thing that is wrong, as data and in words.

use serde::{Deserialize, Serialize};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// There are fewer than two classes to tell apart.
    TooFewClasses,
    /// A class has too few examples to hold some out.
    TooFew,
    /// All examples of a class are one group, so that none can be judged by the others.
    OneGroup,
    /// A class has several times as many examples as another.
    Imbalance,
    /// The same pixels, several times in a class.
    Duplicates,
    /// The same pixels in several classes.
    DuplicatesAcrossClasses,
    /// Almost the same image, several times in a class.
    NearDuplicates,
    /// Almost the same image in several classes.
    NearDuplicatesAcrossClasses,
    /// A group that the caller named has examples of several classes.
    GroupAcrossClasses,
    /// Images held out look the same to the backbone as images trained on.
    AlikeAcrossSplit,
    /// Images much smaller than what the backbone reads.
    Tiny,
    /// Images that show nothing.
    Blank,
    /// Labels that the other examples contradict.
    Mislabelled,
    /// Two classes that are taken for each other.
    Confused,
    /// Accuracy still grows with the number of examples.
    MoreImages,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The classes concerned.
    pub labels: Vec<String>,
    /// Numbers of the examples to look at, the most telling first; copies of one image follow each other.
    pub examples: Vec<u32>,
    /// What was found, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub advice: String,
}

impl Finding {
    /// A finding about classes and examples.
    pub fn new(
        kind: Kind,
        labels: Vec<String>,
        examples: Vec<u32>,
        message: String,
        advice: impl Into<String>,
    ) -> Self {
        Self { kind, labels, examples, message, advice: advice.into() }
    }
}

/// `1 image`, `3 images`.
pub fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

/// Labels in quotation marks, in a row.
pub fn quoted(labels: &[String]) -> String {
    labels.iter().map(|label| format!("“{label}”")).collect::<Vec<_>>().join(" and ")
}
