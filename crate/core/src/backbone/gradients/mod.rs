//! Layers whose gradient is written out, where the one that burn derives takes longer. They give nothing where no gradient can
//! be asked for, which in builds without fine-tuning is always.

#[cfg(feature = "tune")]
mod depthwise;
#[cfg(not(feature = "tune"))]
mod none;
#[cfg(feature = "tune")]
mod pointwise;
#[cfg(feature = "tune")]
mod relu6;

#[cfg(not(feature = "tune"))]
pub use none::{depthwise, pointwise, relu6};
#[cfg(feature = "tune")]
pub use {depthwise::depthwise, pointwise::pointwise, relu6::relu6};
