//! Networks made of inverted residuals, from a table of their blocks.

use super::blocks::{ConvShape, InvertedResidual, SqueezeExcite};
use super::names::{BlockNames, Names, Place};
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation;

/// A block of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Channels of the depthwise convolution; as many as come in where nothing is widened.
    pub hidden: usize,
    /// Channels out.
    pub output: usize,
    /// Step of the depthwise convolution.
    pub stride: usize,
    /// Channels that squeeze and excite goes through; none for none.
    pub squeeze: Option<usize>,
    /// What the layers but the last end with.
    pub activation: Activation,
}

/// All that makes one of these networks.
#[derive(Debug)]
pub struct Recipe {
    /// The names that its files usually have.
    pub names: &'static Names,
    /// Others that they are known to have.
    pub other_names: &'static [&'static Names],
    /// torchvision's epsilon of the norms.
    pub epsilon: f64,
    /// Channels after the first layer.
    pub stem: usize,
    /// What the first and the last layer end with.
    pub activation: Activation,
    /// Activation and gate of squeeze and excite.
    pub squeeze: [Activation; 2],
    /// Blocks, in the groups that their names count.
    pub groups: Vec<Vec<Row>>,
    /// Whether blocks are a depthwise and a 1x1 convolution with activations after both and nothing added, as in the
    /// first MobileNet.
    pub separable: bool,
    /// Channels of the last 1x1 convolution; none for none.
    pub head: Option<usize>,
}

impl Recipe {
    /// The stages: the first layer, each block, and the last layer where there is one.
    ///
    /// # Errors
    /// As the loader gives them.
    pub fn build(&self, loader: &mut Loader<'_>) -> Result<Vec<Stage>> {
        let names = loader.names(self.names, self.other_names, self.epsilon);
        let mut place = Place::default();
        let filled = |place: &Place, pair: [&str; 2]| pair.map(|name| place.fill(name));
        let stem = ConvShape::full(3, self.stem, 3, 2);
        let stem = loader.layer(&filled(&place, names.stem), stem, self.activation)?;
        let mut stages = vec![Stage::Convolution(stem)];
        let mut channels = self.stem;
        for group in &self.groups {
            for (index, row) in group.iter().enumerate() {
                place = Place { index, layer: 0, ..place };
                stages.push(Stage::InvertedResidual(self.block(loader, names, place, channels, row)?));
                channels = row.output;
                place.block += 1;
            }
            place = Place { group: place.group + 1, index: 0, ..place };
        }
        if let Some(head) = self.head {
            let shape = ConvShape::pointwise(channels, head);
            let head = loader.layer(&filled(&place, names.head), shape, self.activation)?;
            stages.push(Stage::Convolution(head));
        }
        Ok(stages)
    }

    fn block(
        &self,
        loader: &mut Loader<'_>,
        names: &Names,
        mut place: Place,
        input: usize,
        row: &Row,
    ) -> Result<InvertedResidual> {
        let Row { kernel, hidden, output, stride, squeeze, activation } = *row;
        let widens = hidden != input;
        let BlockNames { expand, depthwise, squeeze: weigh, project } =
            if widens { &names.wide } else { &names.narrow };
        let mut next = |pair| place.next_layer(names.block, pair);
        let expand = match widens {
            true => Some(loader.layer(&next(*expand), ConvShape::pointwise(input, hidden), activation)?),
            false => None,
        };
        let shape = ConvShape::depthwise(hidden, kernel, stride);
        let depthwise = loader.layer(&next(*depthwise), shape, activation)?;
        let squeeze = match squeeze {
            Some(squeezed) => {
                let [reduce, expand] = &next(*weigh);
                Some(SqueezeExcite::load(loader, [reduce, expand], [hidden, squeezed], self.squeeze)?)
            }
            None => None,
        };
        let last = if self.separable { activation } else { Activation::Linear };
        let project = loader.layer(&next(*project), ConvShape::pointwise(hidden, output), last)?;
        let residual = !self.separable && stride == 1 && input == output;
        Ok(InvertedResidual { expand, depthwise, squeeze, project, residual })
    }
}

/// The multiple of eight nearest to `channels`, but not less than nine tenths of it (`_make_divisible` of TensorFlow's
/// MobileNets, which torchvision and timm took over).
pub fn round_channels(channels: f64) -> usize {
    let rounded = (((channels + 4.0) / 8.0).floor() * 8.0).max(8.0);
    (if rounded < 0.9 * channels { rounded + 8.0 } else { rounded }) as usize
}

#[cfg(test)]
mod tests {
    use super::round_channels;

    #[test]
    fn channels_are_rounded_as_torchvision_does() {
        // Printed by torchvision.models._utils._make_divisible(v, 8).
        for (channels, rounded) in
            [(3.0, 8), (8.4, 8), (11.2, 16), (35.2, 32), (44.8, 48), (72.0, 72), (1792.0, 1792)]
        {
            assert_eq!(round_channels(channels), rounded, "{channels}");
        }
    }
}
