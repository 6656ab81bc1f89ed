//! Each family of backbones with each strategy, from the first image to the files that come out, on its smallest architecture with
//! weights by a formula: the same code trains all of them, so that each must lower, differentiate, save and export.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

#[path = "made_up/formula.rs"]
mod formula;
#[path = "made_up/mod.rs"]
mod made_up;

use formula::Formula;
use pollster::block_on;
use rekindle::backbone::{Source, catalogue};
use rekindle::export::Format;
use rekindle::train::tune::TuneOptions;
use rekindle::train::{Progress, Report, Strategy, TrainOptions};
use rekindle::tuner::Pending;
use rekindle::weights::{SPEC_KEY, Views, Written, add, sealed};
use rekindle::{Augment, Device, Embedder, FineTuner, Pixels, Spec, Tuner, View};

/// The smallest input that all of them take.
const SIDE: u32 = 64;
const EACH: u32 = 3;

/// Keeps what an architecture asks for.
struct Recorded(Vec<Written>);

impl Source for Recorded {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> rekindle::Result<Vec<f32>> {
        let values = Formula { timm: false }.take(name, shape)?;
        self.0.push(Written::floats(name.into(), shape.to_vec(), &values));
        Ok(values)
    }
}

/// A weights file of an architecture.
fn weights(arch: &str) -> Vec<u8> {
    let mut recorded = Recorded(Vec::new());
    catalogue::find(arch).unwrap().build(&mut recorded, false).unwrap();
    let mut views = Views::new();
    add(&mut views, &recorded.0).unwrap();
    let spec = Spec { arch: arch.into(), ..made_up::spec(SIDE) };
    sealed(&views, vec![(SPEC_KEY, serde_json::to_string(&spec).unwrap())]).unwrap()
}

fn image(label: &str, number: u32) -> Pixels {
    let tint = if label == "red" { [200, 40, 60] } else { [50, 60, 190] };
    let value = |at: u32| (tint[at as usize % 3] + (at * 31 + number * 97) % 60) as u8;
    Pixels::from_rgb(SIDE, SIDE, (0..SIDE * SIDE * 3).map(value).collect()).unwrap()
}

/// A project with its images, of two classes.
struct Studio {
    embedder: Embedder,
    tuner: Tuner,
    images: Vec<Pixels>,
}

impl Studio {
    fn new(weights: &[u8]) -> Self {
        let embedder = block_on(Embedder::of_known(weights, Device::Cpu, None)).unwrap();
        let spec = embedder.spec().clone();
        let mut tuner = Tuner::new(spec, SIDE, embedder.feature_len(), 5).with_backbone(&embedder);
        let mut images = Vec::new();
        for number in 0..2 * EACH {
            let label = ["red", "blue"][number as usize % 2];
            tuner.add_example(label).unwrap();
            images.push(image(label, number));
        }
        Self { embedder, tuner, images }
    }

    fn features(&self, pending: &Pending, cut: usize) -> (Vec<u32>, Vec<f32>) {
        let image = &self.images[pending.example as usize];
        let view = |view: &View| self.embedder.view(image, *view, &Augment::default()).unwrap();
        let views: Vec<Pixels> = pending.views.iter().map(view).collect();
        let indices = pending.views.iter().map(|view| view.index).collect();
        (indices, block_on(self.embedder.embed_at(&views, cut)).unwrap())
    }

    fn train(&mut self, options: &TrainOptions) -> Report {
        for pending in self.tuner.pending(options).unwrap() {
            let (views, features) = self.features(&pending, self.embedder.stages());
            self.tuner.put_features(pending.example, &views, options, &features).unwrap();
        }
        let mut training = self.tuner.start_run(options).unwrap();
        while training.run.step().unwrap() != Progress::Finished {}
        if options.strategy == Strategy::Head {
            return self.tuner.finish_run(training).unwrap();
        }
        let start = self.tuner.prepare_tuning(training).unwrap();
        let mut run = FineTuner::new(&self.embedder).start(start).unwrap();
        let mut wanted = run.tuning.pending();
        loop {
            for pending in wanted {
                let (views, features) = self.features(&pending, run.cut());
                run.tuning.put(pending.example, &views, &features).unwrap();
            }
            wanted = run.tuning.wants();
            if wanted.is_empty() && run.tuning.step().unwrap() == Progress::Finished {
                return self.tuner.finish_tuning(run.finish().unwrap()).unwrap();
            }
        }
    }

    /// The embedding of an image that was not trained on, by the stages of a model.
    fn embedding(&self, tuner: &Tuner) -> Vec<f32> {
        let tuned = tuner.model().unwrap().tuned.as_ref();
        let tuned = tuned.map(|stages| block_on(self.embedder.tuned(stages)).unwrap());
        strange(tuned.as_ref().unwrap_or(&self.embedder))
    }
}

fn strange(embedder: &Embedder) -> Vec<f32> {
    let plain = View { index: 0, seed: 0 };
    let view = embedder.view(&image("red", 77), plain, &Augment::default()).unwrap();
    block_on(embedder.embed(&[view])).unwrap()
}

fn works(arch: &str) {
    let entry = catalogue::find(arch).unwrap();
    let weights = weights(arch);
    let pretrained = block_on(Embedder::new(&weights, Device::Cpu, None)).unwrap();
    let pretrained = strange(&pretrained);
    for strategy in [Strategy::Head, Strategy::Partial, Strategy::Full] {
        let mut studio = Studio::new(&weights);
        let tune = TuneOptions { epochs: 1, ..TuneOptions::default() };
        let options = TrainOptions {
            strategy,
            views: 2,
            batch_size: 4,
            validation: 0.0,
            tune,
            ..TrainOptions::default()
        };
        let report = studio.train(&options);
        assert!(report.diverged.is_none(), "{arch} {strategy:?}: {:?}", report.diverged);
        let found = studio.embedding(&studio.tuner);
        assert_eq!(found.len(), entry.embedding_len);
        let moved = found != pretrained;
        assert_eq!(moved, strategy != Strategy::Head, "{arch} {strategy:?}: which stages were trained");
        let prediction = studio.tuner.predict(&found).unwrap();

        let file = studio.tuner.save().unwrap();
        let spec = studio.embedder.spec().clone();
        let opened = Tuner::open(&file, spec, SIDE, entry.embedding_len).unwrap();
        let again = studio.embedding(&opened);
        assert_eq!(again, found, "{arch} {strategy:?}: the embedding of a project that was opened");
        assert_eq!(opened.predict(&again).unwrap(), prediction, "{arch} {strategy:?}");

        let exported = studio.tuner.export(Format::Safetensors).unwrap();
        let exported = block_on(Embedder::new(&exported, Device::Cpu, None)).unwrap();
        assert_eq!(strange(&exported), found, "{arch} {strategy:?}: the embedding of an export");
        let onnx = studio.tuner.export(Format::Onnx).unwrap();
        let numbers = entry.parameters_k as usize * 1000 * 4;
        assert!(onnx.len() > numbers * 9 / 10, "{arch} {strategy:?}: {} bytes of ONNX", onnx.len());
        assert!(onnx.windows(13).any(|text| text == b"probabilities"));
    }
}

/// One test an architecture, so that a test runner spreads them over processors.
macro_rules! families {
    ($($test:ident: $arch:literal,)*) => { $(#[test] fn $test() { works($arch); })* };
}

families! {
    mobilenet_v1: "mobilenetv1_100",
    mobilenet_v2: "mobilenetv2_035",
    mobilenet_v3: "mobilenet_v3_small",
    efficientnet_lite: "efficientnet_lite0",
    efficientnet: "efficientnet_b0",
    resnet_of_basic_blocks: "resnet18",
    resnet_of_bottlenecks: "resnet50",
    vgg: "vgg11",
    vgg_with_norms: "vgg11_bn",
    alexnet: "alexnet",
    squeezenet: "squeezenet1_1",
}
