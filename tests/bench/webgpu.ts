/** The frozen backbone on WebGPU: Rekindle's own WGSL kernels against TF.js's WebGPU backend with the same weights. */

import type { Site } from '../browser/site.ts';
import { alternate, type Contender } from './rounds.ts';
import { perSecond, type Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

/** Few: an image takes TF.js seconds on a software adapter. */
const ROUNDS = 3;
const BATCHES = [1, 8];
const SIDE = 224;

/** First images, single images and batches. */
export async function benchWebgpu(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  const first = await alternate(contenders((name) => firstImage(site, name)), ROUNDS, 0);

  const page = await site.page();
  await page.evaluate(prepare);
  const similarities: number[] = [];
  const steady = [];
  for (const batch of BATCHES) {
    similarities.push(await page.evaluate((batch) => (window as unknown as Contest).similarity(batch), batch));
    const round = (name: Name) =>
      page.evaluate(({ name, batch }) => (window as unknown as Contest)[name](batch), { name, batch });
    const work = `${batch === 1 ? 'One image' : `${batch} images together`}, ${SIDE}x${SIDE}, once all is compiled`;
    steady.push({ work, times: await alternate(contenders(round), ROUNDS), images: batch });
  }
  const similarity = Math.min(...similarities);
  if (similarity < 0.999) throw new Error(`the two do not compute the same: cosine ${similarity}`);
  return {
    name: 'webgpu',
    title: 'Embedding images with the frozen backbone on WebGPU',
    work: 'The first image: getting the device, uploading the weights, compiling the kernels (Rekindle: and testing them)',
    times: first,
    more: steady.map(({ work, times }) => ({ work, times })),
    notes: [
      'The adapter is SwiftShader, which emulates a GPU on the processor: the ratios say how much work and waiting there is, not what a GPU takes.',
      ...steady.map(({ images, times }) => `Images a second, ${images} at once: ${perSecond(times, images)}.`),
      'Rekindle: `embed` of the wasm module (WebGPU build) from decoded pixels: cropping, augmenting and resizing are in its time.',
      'TF.js: the same weights with the norms folded, fused convolutions, from normalised numbers; uploading them is in its time.',
      'First images: each round in a page of its own; modules are loaded and wasm is compiled before.',
      `Smallest cosine similarity of the two embeddings of an image: ${similarity.toFixed(6)}.`,
    ],
  };
}

type Name = 'rekindle' | 'tfjs';

function contenders(round: (name: Name) => Promise<number>): Contender[] {
  return [
    { name: 'Rekindle', round: () => round('rekindle') },
    { name: `TF.js ${tfjsVersion()} (WebGPU)`, round: () => round('tfjs') },
  ];
}

/** What the page holds between the rounds. */
interface Contest {
  rekindle(batch: number): Promise<number>;
  tfjs(batch: number): Promise<number>;
  similarity(batch: number): Promise<number>;
}

/** Milliseconds from nothing to the first embedding, in a new page. */
async function firstImage(site: Site, name: Name): Promise<number> {
  const page = await site.page();
  try {
    return await page.evaluate(
      async ({ name, side }) => {
        const { loadWasm, loadWeights } = await import('page/features.js');
        const tfjs = (await import('/bench/tfjs-webgpu.js' as string)) as typeof import('./page/tfjs-webgpu.ts');
        const weights = await loadWeights();
        const wasm = await loadWasm('gpu');
        const grey = new Uint8ClampedArray(side * side * 4).fill(128);
        const start = performance.now();
        if (name === 'rekindle') {
          const embedder = await wasm.Embedder.create(weights, 'webgpu', side);
          await embedder.embed(grey, side, side, [{ index: 0, seed: 0 }], undefined);
        } else {
          const embed = await tfjs.start(weights, side);
          await embed(new Float32Array(side * side * 3), 1);
        }
        return performance.now() - start;
      },
      { name, side: SIDE },
    );
  } finally {
    await page.context().close();
  }
}

/** Runs in the page: starts both and leaves a round of each on `window`. */
async function prepare() {
  const { loadWasm, loadWeights, pixels } = await import('page/features.js');
  const { photos } = await import('page/photos.js');
  const tfjs = (await import('/bench/tfjs-webgpu.js' as string)) as typeof import('./page/tfjs-webgpu.ts');
  const weights = await loadWeights();
  const wasm = await loadWasm('gpu');
  const embedder = await wasm.Embedder.create(weights, 'webgpu', undefined);
  const side = embedder.inputSize();
  const { mean, std } = embedder.spec();
  const other = await tfjs.start(weights, side);
  const [photo] = await photos('train', 1);
  if (!photo) throw new Error('there is no photo');
  const { data, width, height } = await pixels(photo.file);

  const views = (batch: number) => Array.from({ length: batch }, (_, index) => ({ index, seed: index }));
  const embed = async (batch: number) => {
    const start = performance.now();
    const embeddings = await embedder.embed(data, width, height, views(batch), undefined);
    return { ms: performance.now() - start, embeddings };
  };
  // The views that the embedder makes, as TF.js wants them; rounded to whole pixel values, as the embedder's own are.
  const embedThere = async (batch: number) => {
    const rgba = embedder.preview(data, width, height, views(batch), undefined);
    const images = Float32Array.from({ length: batch * side * side * 3 }, (_, at) => {
      const channel = at % 3;
      const value = (rgba[Math.floor(at / 3) * 4 + channel] as number) / 255;
      return (value - (mean[channel] as number)) / (std[channel] as number);
    });
    const start = performance.now();
    const embeddings = await other(images, batch);
    return { ms: performance.now() - start, embeddings };
  };
  const similarity = async (batch: number) => {
    const [ours, theirs] = [(await embed(batch)).embeddings, (await embedThere(batch)).embeddings];
    const length = ours.length / batch;
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
    const cosines = views(batch).map(({ index }) => {
      const [a, b] = [ours, theirs].map((all) => all.subarray(index * length, (index + 1) * length)) as [Float32Array, Float32Array];
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    });
    return Math.min(...cosines);
  };
  Object.assign(window, {
    rekindle: async (batch) => (await embed(batch)).ms,
    tfjs: async (batch) => (await embedThere(batch)).ms,
    similarity,
  } satisfies Contest);
}
