//! Everything that can go wrong, as data. `code()` is what crosses the boundary to JavaScript.

/// The result of every fallible call in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, with what a person needs to mend it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, thiserror::Error)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Error {
    /// No WebGPU device could be had.
    #[error("WebGPU is not available: {reason}. Use device 'cpu' or 'auto'.")]
    WebgpuUnavailable {
        /// What the browser or driver said.
        reason: String,
    },
    /// The GPU went away during a computation.
    #[error("the GPU device was lost: {reason}. Create a new Tuner; saved projects can be opened again.")]
    DeviceLost {
        /// What the browser or driver said.
        reason: String,
    },
    /// The device computed a known answer wrongly.
    #[error("the device failed its self-test ({test}): the largest error was {error}. Use device 'cpu'.")]
    DeviceWrong {
        /// Which of the tests failed.
        test: &'static str,
        /// Largest absolute difference from the known answer.
        error: f32,
    },
    /// A device has no memory left.
    #[error(
        "there is no memory left for this: {reason}. Close other pages, use a smaller input size or device 'cpu'."
    )]
    OutOfMemory {
        /// What did not fit.
        reason: String,
    },
    /// The weights are not a file that can be read.
    #[error("the weights cannot be read: {reason}. Fetch the file again.")]
    WeightsFormat {
        /// Where reading stopped and why.
        reason: String,
    },
    /// A tensor of the weights is missing, unexpected or of another shape.
    #[error("the weights do not fit the backbone: tensor `{tensor}` should be {expected} and is {found}")]
    WeightsMismatch {
        /// Name of the tensor in the file.
        tensor: String,
        /// Expected shape, or `absent`.
        expected: String,
        /// Found shape, or `absent`.
        found: String,
    },
    /// A file is not an image that can be decoded.
    #[error("the image cannot be decoded: {reason}")]
    ImageDecode {
        /// What is wrong with the file.
        reason: String,
    },
    /// An image has a size that cannot be used.
    #[error("an image of {width}x{height} pixels cannot be used: {reason}")]
    ImageShape {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Which limit it breaks.
        reason: String,
    },
    /// An option is unknown or out of its range.
    #[error("option `{option}` is {found}; it must be {expected}")]
    OptionInvalid {
        /// Name of the option as the caller writes it.
        option: String,
        /// What was given.
        found: String,
        /// Range or names that are allowed.
        expected: String,
    },
    /// There are not enough examples or classes to train.
    #[error("training needs {needed}; there are {found}. Add examples and train again.")]
    TooFewExamples {
        /// What is needed.
        needed: String,
        /// What there is.
        found: String,
    },
    /// A label names no class.
    #[error("there is no class `{label}`; the classes are {known}")]
    LabelUnknown {
        /// The label that was given.
        label: String,
        /// Labels that exist, joined by commas.
        known: String,
    },
    /// A call needs a trained head and there is none.
    #[error("nothing is trained yet: call train first, or open a trained project")]
    NotTrained,
    /// A project file is damaged or from a version that cannot be read.
    #[error("the project file cannot be opened: {reason}")]
    ProjectFormat {
        /// What is wrong with it.
        reason: String,
    },
    /// Losses or gradients stopped being finite.
    #[error("training diverged at epoch {epoch}: {reason}. Lower the learning rate.")]
    TrainingDiverged {
        /// One-based epoch.
        epoch: usize,
        /// What was seen.
        reason: String,
    },
    /// A bug of this library.
    #[error("internal error: {reason}. Please report it.")]
    Internal {
        /// What was found to be impossible.
        reason: String,
    },
}

impl Error {
    /// What another library says that should be impossible.
    pub(crate) fn internal(reason: impl ToString) -> Self {
        Self::Internal { reason: reason.to_string() }
    }

    /// The code that names this error in JavaScript, the same in every version.
    pub fn code(&self) -> &'static str {
        match self {
            Error::WebgpuUnavailable { .. } => "WEBGPU_UNAVAILABLE",
            Error::DeviceLost { .. } => "DEVICE_LOST",
            Error::DeviceWrong { .. } => "DEVICE_WRONG",
            Error::OutOfMemory { .. } => "OUT_OF_MEMORY",
            Error::WeightsFormat { .. } => "WEIGHTS_FORMAT",
            Error::WeightsMismatch { .. } => "WEIGHTS_MISMATCH",
            Error::ImageDecode { .. } => "IMAGE_DECODE",
            Error::ImageShape { .. } => "IMAGE_SHAPE",
            Error::OptionInvalid { .. } => "OPTION_INVALID",
            Error::TooFewExamples { .. } => "TOO_FEW_EXAMPLES",
            Error::LabelUnknown { .. } => "LABEL_UNKNOWN",
            Error::NotTrained => "NOT_TRAINED",
            Error::ProjectFormat { .. } => "PROJECT_FORMAT",
            Error::TrainingDiverged { .. } => "TRAINING_DIVERGED",
            Error::Internal { .. } => "INTERNAL",
        }
    }
}

/// Reads options that a caller wrote, so that a mistake becomes an error that names the option.
///
/// # Errors
/// `OPTION_INVALID` for a name that is not known or a value of another type.
pub(crate) fn read_option<'de, D, T>(source: D) -> Result<T>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde_path_to_error::deserialize(source).map_err(|error| {
        let (path, message) = (error.path().to_string(), error.inner().to_string());
        let parent = path.trim_end_matches('?').trim_end_matches('.');
        // serde says "unknown field `x`, expected one of `a`, `b`" or "invalid type: ..., expected u32 at line ...".
        let (found, expected) = message.split_once(", expected ").unwrap_or((&message, "another value"));
        let expected = expected.split(" at line ").next().unwrap_or(expected).to_owned();
        match found.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(name) => {
                let inside = parent.strip_suffix(name).unwrap_or(parent).trim_end_matches('.');
                let option = if inside.is_empty() { name.to_owned() } else { format!("{inside}.{name}") };
                Error::OptionInvalid { option, found: "not an option".into(), expected }
            }
            None => Error::OptionInvalid {
                option: if parent.is_empty() { "options".into() } else { parent.to_owned() },
                found: found.trim_start_matches("invalid type: ").replace("unit value", "null"),
                expected: in_words(&expected).to_owned(),
            },
        }
    })
}

/// What serde calls a type, as a caller of JavaScript would.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number that is not negative",
        "f64" => "a number",
        "an array of length 2" => "two numbers, the least and the most",
        other => other,
    }
}
