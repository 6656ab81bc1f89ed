//! Image and view in, features out; no state that changes.

use std::sync::OnceLock;

use crate::backbone::{Backbone, Classifier, Summary, TunedStages, catalogue, described};
use crate::device::{Device, DeviceInfo, Opened};
use crate::error::{Error, Result};
use crate::image::{Augment, Pixels, Preprocess, Region, View};
use crate::prefix::{Arithmetic, CpuPrefix, Map, Plan};
use crate::transpose::transposed;
use crate::weights::{Description, Spec, Tensors};
#[cfg(feature = "gpu")]
use crate::{device::self_test, prefix::GpuPrefix};

/// Sides of the square input that a backbone takes, in pixels; multiples of [`INPUT_STEP`], or what the weights were trained
/// with, which may be larger.
pub const INPUT_SIZES: std::ops::RangeInclusive<u32> = 32..=512;

/// The largest input that weights may have been trained with: EfficientNet B8's is 672.
const LARGEST_TRAINED: u32 = 1024;

/// Backbones halve the image five times.
pub const INPUT_STEP: u32 = 32;

/// Turns views of images into features: weights, preprocessing and frozen prefix. It keeps no state of a project, so
/// that any number of embedders give the same features.
#[derive(Debug)]
pub struct Embedder {
    spec: Spec,
    input_size: u32,
    maps: Vec<Map>,
    preprocess: Preprocess,
    /// On the CPU, whatever the device: it is small there, and what is trained.
    backbone: Backbone,
    /// That the weights' own file had beside them.
    classifier: Option<Classifier>,
    /// The processor's prefix of each cut, from the first stage's end to the embedding, compiled when it is wanted.
    prefixes: Vec<OnceLock<CpuPrefix>>,
    arithmetic: Arithmetic,
    #[cfg(feature = "gpu")]
    gpu: Option<GpuPrefix>,
    device: DeviceInfo,
}

impl Embedder {
    /// Gets the device, tests it, loads the weights (a safetensors file with its spec) and compiles the frozen prefix.
    ///
    /// `input_size` is the side of the square input in pixels, the spec's or a multiple of 32 from 32 to 512; the spec's by
    /// default.
    ///
    /// # Errors
    /// `OPTION_INVALID` for another input size; `WEIGHTS_FORMAT` and `WEIGHTS_MISMATCH` for weights that cannot be used;
    /// `WEBGPU_UNAVAILABLE`, `DEVICE_WRONG`, `DEVICE_LOST` and `OUT_OF_MEMORY` for a device that cannot.
    pub async fn new(weights: &[u8], device: Device, input_size: Option<u32>) -> Result<Self> {
        Self::load(Tensors::read(weights)?, device, input_size).await
    }

    /// The same from a file of any kind, such as PyTorch's, that `description` describes where it does not do so itself.
    ///
    /// # Errors
    /// As [`Embedder::new`]; `OPTION_INVALID` where the description lacks something, or is not needed.
    pub async fn open(
        weights: &[u8],
        description: &Description,
        device: Device,
        input_size: Option<u32>,
    ) -> Result<Self> {
        Self::load(described::read(weights, description)?, device, input_size).await
    }

    /// The same for weights that are known to be those of a file that was checked.
    ///
    /// # Errors
    /// As [`Embedder::new`], but bytes that were altered are not found.
    pub async fn of_known(weights: &[u8], device: Device, input_size: Option<u32>) -> Result<Self> {
        Self::load(Tensors::read_known(weights)?, device, input_size).await
    }

    async fn load(mut tensors: Tensors<'_>, device: Device, input_size: Option<u32>) -> Result<Self> {
        let spec = tensors.spec().clone();
        let input_size = check_size(input_size.unwrap_or(spec.input_size), spec.input_size)?;
        let backbone = Backbone::take(&mut tensors)?;
        let classifier = Classifier::left_in(&mut tensors, catalogue::find(&spec.arch)?.embedding_len);
        tensors.finish()?;
        Ok(Self { classifier, ..Self::assemble(spec, input_size, backbone, device).await? })
    }

    /// The same embedder with stages that were fine-tuned.
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where they do not fit the backbone; as [`Embedder::new`] for the device.
    pub async fn tuned(&self, stages: &TunedStages) -> Result<Self> {
        let backbone = self.backbone.tuned(stages)?;
        Self::assemble(self.spec.clone(), self.input_size, backbone, self.device.kind).await
    }

    async fn assemble(spec: Spec, input_size: u32, backbone: Backbone, device: Device) -> Result<Self> {
        let (opened, info) = device.open().await?;
        let (plan, arithmetic) = (backbone.lower(backbone.len())?, opened.arithmetic());
        let whole = OnceLock::from(CpuPrefix::compile_for(&plan, input_size as usize, arithmetic)?);
        let mut embedder = Self {
            preprocess: Preprocess::new(&spec, input_size),
            maps: plan.cuts(input_size as usize),
            prefixes: (1..backbone.len()).map(|_| OnceLock::new()).chain([whole]).collect(),
            arithmetic,
            #[cfg(feature = "gpu")]
            gpu: None,
            spec,
            input_size,
            backbone,
            classifier: None,
            device: info,
        };
        embedder.take_over(opened, &plan).await?;
        Ok(embedder)
    }

    /// Compiles the whole prefix for another device, and shows that it computes what the processor does.
    #[cfg(feature = "gpu")]
    async fn take_over(&mut self, opened: Opened, plan: &Plan) -> Result<()> {
        let Opened::Webgpu(gpu) = opened else { return Ok(()) };
        let normalise = [self.spec.mean, self.spec.std];
        let gpu = GpuPrefix::compile(gpu, plan, self.input_size as usize, normalise).await?;
        let cpu = self.compiled(self.stages())?;
        self_test::agrees(&gpu, cpu, &self.preprocess, self.input_size).await?;
        self.gpu = Some(gpu);
        Ok(())
    }

    #[cfg(not(feature = "gpu"))]
    async fn take_over(&mut self, _: Opened, _: &Plan) -> Result<()> {
        Ok(())
    }

    /// The pretrained network, on the CPU.
    pub fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    /// The classifier of ImageNet's 1000 classes that the weights' own file had.
    ///
    /// # Errors
    /// `OPTION_INVALID` where it had none, or one of more than one layer.
    pub fn classifier(&self) -> Result<&Classifier> {
        self.classifier.as_ref().ok_or_else(|| Error::OptionInvalid {
            option: "classifier".into(),
            found: "not given".into(),
            expected: format!(
                "the file of the classifier that the weights of {} were trained with: their own file has none of one layer and 1000 classes",
                self.spec.arch
            ),
        })
    }

    /// Number of stages, which is also the last cut.
    pub fn stages(&self) -> usize {
        self.backbone.len()
    }

    /// The backbone's stages and what they cost at this input size.
    ///
    /// # Errors
    /// As [`Backbone::lower`].
    pub fn summary(&self) -> Result<Summary> {
        self.backbone.summary(self.input_size as usize)
    }

    /// The map at each cut: the image at 0, the embedding at the last.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The device in use.
    pub fn device(&self) -> &DeviceInfo {
        &self.device
    }

    /// What is known of the weights.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Side of the square input in pixels.
    pub fn input_size(&self) -> u32 {
        self.input_size
    }

    /// How many numbers the features of a view are.
    pub fn feature_len(&self) -> usize {
        self.maps.last().map_or(0, |map| map.len())
    }

    /// A view of an image as pixels, `input_size` x `input_size`: view 0 is the plain evaluation crop, the others are
    /// random ones from their seed.
    ///
    /// # Errors
    /// `OPTION_INVALID` where a range of the augmentation is invalid.
    pub fn view(&self, image: &Pixels, view: View, augment: &Augment) -> Result<Pixels> {
        match view.index {
            0 => self.preprocess.crop(image),
            _ => augment.apply(image, self.input_size, view.seed),
        }
    }

    /// The features of views, each `input_size` x `input_size`.
    ///
    /// # Shapes
    /// `[views, feature_len]`, one after the other.
    ///
    /// # Errors
    /// `IMAGE_SHAPE` where a view has another size; `DEVICE_LOST` where the device gives no numbers; `OUT_OF_MEMORY` where
    /// it has no memory for the views.
    pub async fn embed(&self, views: &[Pixels]) -> Result<Vec<f32>> {
        self.embed_at(views, self.stages()).await
    }

    /// The features of views at a cut. All but the embedding are computed on the processor.
    ///
    /// # Shapes
    /// `[views, channels, height, width]`, one after the other; the embedding at the last cut, the normalised image at 0.
    ///
    /// # Errors
    /// `OPTION_INVALID` where there is no such cut; else as [`Embedder::embed`].
    pub async fn embed_at(&self, views: &[Pixels], cut: usize) -> Result<Vec<f32>> {
        self.check(views)?;
        #[cfg(feature = "gpu")]
        if let Some(gpu) = self.gpu.as_ref().filter(|_| cut == self.stages()) {
            return gpu.run(views).await;
        }
        let images = self.preprocess.normalise_all(views);
        match cut {
            0 => Ok(transposed(&images, (self.input_size * self.input_size) as usize, 3)),
            _ => self.compiled(cut)?.run(&images),
        }
    }

    /// The last feature map of a view: its mean over the cells is the embedding. It is computed on the processor.
    ///
    /// # Shapes
    /// `[feature_len, side, side]`
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn map(&self, view: &Pixels) -> Result<Vec<f32>> {
        let views = std::slice::from_ref(view);
        self.check(views)?;
        self.compiled(self.stages())?.run_unpooled(&self.preprocess.normalise_all(views))
    }

    /// The part that the plain view shows of an image of this size.
    pub fn seen(&self, width: u32, height: u32) -> Region {
        self.preprocess.seen(width, height)
    }

    fn check(&self, views: &[Pixels]) -> Result<()> {
        for view in views {
            let (width, height) = (view.width(), view.height());
            if [width, height] != [self.input_size; 2] {
                let reason = format!("the backbone takes {0}x{0}", self.input_size);
                return Err(Error::ImageShape { width, height, reason });
            }
        }
        Ok(())
    }

    /// The processor's prefix of a cut, which is compiled where that is not done yet. Errors as [`Backbone::lower`].
    fn compiled(&self, cut: usize) -> Result<&CpuPrefix> {
        let place = self.prefixes.get(cut.wrapping_sub(1));
        if let Some(prefix) = place.and_then(OnceLock::get) {
            return Ok(prefix);
        }
        let plan = self.backbone.lower(cut)?;
        let prefix = CpuPrefix::compile_for(&plan, self.input_size as usize, self.arithmetic)?;
        let place = place.ok_or_else(|| Error::Internal { reason: format!("there is no stage {cut}") })?;
        // Whoever was faster compiled the same.
        Ok(place.get_or_init(|| prefix))
    }
}

fn check_size(size: u32, trained: u32) -> Result<u32> {
    let trained = size == trained && (*INPUT_SIZES.start()..=LARGEST_TRAINED).contains(&size);
    if trained || (INPUT_SIZES.contains(&size) && size.is_multiple_of(INPUT_STEP)) {
        return Ok(size);
    }
    Err(Error::OptionInvalid {
        option: "inputSize".into(),
        found: size.to_string(),
        expected: format!(
            "a multiple of {INPUT_STEP} from {} to {}, or the size that the weights were trained with",
            INPUT_SIZES.start(),
            INPUT_SIZES.end()
        ),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device as Flex, Tensor, TensorData};
    use pollster::block_on;

    use super::*;
    use crate::backbone::sample;

    fn embedder(input_size: Option<u32>) -> Result<Embedder> {
        block_on(Embedder::new(&sample::weights(1, |_| ()), Device::Cpu, input_size))
    }

    fn image(width: u32, height: u32) -> Pixels {
        let rgb = (0..width * height * 3).map(|at| (at * 7 % 251) as u8).collect();
        Pixels::from_rgb(width, height, rgb).unwrap()
    }

    #[test]
    fn views_become_features_of_the_promised_length() {
        let embedder = embedder(None).unwrap();
        assert_eq!((embedder.input_size(), embedder.feature_len()), (64, 1280));
        assert_eq!(embedder.spec(), &sample::spec());
        assert_eq!(embedder.device().kind, Device::Cpu);
        let views: Vec<_> = (0..3)
            .map(|index| embedder.view(&image(90, 70), View { index, seed: 5 }, &Augment::default()).unwrap())
            .collect();
        assert!(views.iter().all(|view| (view.width(), view.height()) == (64, 64)));
        let features = block_on(embedder.embed(&views)).unwrap();
        assert_eq!(features.len(), 3 * 1280);
        let second = block_on(embedder.embed(&views[1..2])).unwrap();
        assert_eq!(second, features[1280..2560]);
        assert_ne!(features[..1280], features[1280..2560]);
        assert!(block_on(embedder.embed(&[])).unwrap().is_empty());
    }

    #[test]
    fn weights_without_a_classifier_ask_for_its_file() {
        match embedder(None).unwrap().classifier().unwrap_err() {
            Error::OptionInvalid { option, .. } => assert_eq!(option, "classifier"),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_mean_of_the_map_is_the_embedding() {
        for size in [32, 64, 320] {
            let embedder = embedder(Some(size)).unwrap();
            let view =
                embedder.view(&image(400, 350), View { index: 0, seed: 0 }, &Augment::default()).unwrap();
            let map = embedder.map(&view).unwrap();
            let cells = (size as usize / 32).pow(2);
            assert_eq!(map.len(), embedder.feature_len() * cells);
            let embedding = block_on(embedder.embed(&[view])).unwrap();
            for (channel, expected) in map.chunks(cells).zip(embedding) {
                let mean = channel.iter().sum::<f32>() / cells as f32;
                assert!((mean - expected).abs() < 1e-5, "{mean} {expected}");
            }
        }
    }

    #[test]
    fn two_embedders_give_the_same_features() {
        let views = [image(32, 32)];
        let [a, b] = [0, 1].map(|_| block_on(embedder(Some(32)).unwrap().embed(&views)).unwrap());
        assert_eq!(a, b);
    }

    #[test]
    fn features_at_every_cut_are_what_the_module_gives() {
        let embedder = embedder(Some(64)).unwrap();
        let views: Vec<_> = (0..2).map(|_| image(64, 64)).collect();
        let at = |cut| block_on(embedder.embed_at(&views, cut));
        let input = Tensor::from_data(TensorData::new(at(0).unwrap(), [2, 3, 64, 64]), &Flex::flex());
        for cut in [1, 4, 17, 18] {
            let expected = embedder.backbone().forward(input.clone(), 0..cut);
            let map = embedder.maps()[cut];
            assert_eq!(expected.dims(), [2, map.channels, map.side, map.side]);
            let expected: Vec<f32> = expected.into_data().try_to_vec().unwrap();
            let largest = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
            for (a, b) in at(cut).unwrap().iter().zip(&expected) {
                assert!((a - b).abs() < 1e-4 * largest, "cut {cut}: {a} {b}");
            }
        }
        assert_eq!(at(20).unwrap_err().code(), "OPTION_INVALID");
    }

    #[test]
    fn tuned_stages_change_the_embedding_and_only_behind_their_cut() {
        let embedder = embedder(Some(32)).unwrap();
        let mut tuned = embedder.backbone().suffix(17).tuned().unwrap();
        assert_eq!(block_on(embedder.tuned(&tuned)).unwrap().feature_len(), embedder.feature_len());
        tuned.tensors[0].values.iter_mut().for_each(|value| *value *= 1.5);
        let other = block_on(embedder.tuned(&tuned)).unwrap();
        let at = |embedder: &Embedder, cut| block_on(embedder.embed_at(&[image(32, 32)], cut)).unwrap();
        assert_eq!(at(&embedder, 17), at(&other, 17));
        assert_ne!(at(&embedder, 19), at(&other, 19));
    }

    #[test]
    fn other_sizes_are_refused() {
        for size in [0, 1, 16, 33, 100, 544, u32::MAX] {
            assert_eq!(embedder(Some(size)).unwrap_err().code(), "OPTION_INVALID", "{size}");
        }
        let embedder = embedder(Some(64)).unwrap();
        assert_eq!(block_on(embedder.embed(&[image(64, 32)])).unwrap_err().code(), "IMAGE_SHAPE");
    }

    #[test]
    fn weights_that_are_cut_off_or_altered_are_refused() {
        let bytes = sample::weights(1, |_| ());
        let code = |bytes: &[u8]| block_on(Embedder::new(bytes, Device::Cpu, None)).unwrap_err().code();
        for end in [0, 7, 8, 1000, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(code(&bytes[..end]), "WEIGHTS_FORMAT", "cut at {end}");
        }
        for at in [0, 5, 100, bytes.len() / 2, bytes.len() - 1] {
            let mut altered = bytes.clone();
            altered[at] ^= 0x40;
            assert_eq!(code(&altered), "WEIGHTS_FORMAT", "altered at {at}");
        }
    }

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn webgpu_is_not_in_this_build() {
        let weights = sample::weights(1, |_| ());
        let error = block_on(Embedder::new(&weights, Device::Webgpu, None)).unwrap_err();
        assert_eq!(error.code(), "WEBGPU_UNAVAILABLE");
    }
}
