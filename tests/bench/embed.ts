/** The frozen backbone: images a second of Rekindle's own kernels against TF.js with the same weights. */

import type { Site } from '../browser/site.ts';
import { alternate } from './rounds.ts';
import { perSecond, type Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

const ROUNDS = 7;
const IMAGES = 24;

/** The embeddings of some photos, one after the other. */
export async function benchEmbed(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  const page = await site.page();
  const { side, similarity, simd, threads } = await page.evaluate(prepare, IMAGES);
  if (similarity < 0.999) throw new Error(`the two do not compute the same: cosine ${similarity}`);
  const times = await alternate(
    [
      { name: 'Rekindle', round: () => page.evaluate(() => (window as unknown as Contest).rekindle()) },
      { name: `TF.js ${tfjsVersion()} (wasm)`, round: () => page.evaluate(() => (window as unknown as Contest).tfjs()) },
    ],
    ROUNDS,
  );
  return {
    name: 'embed',
    title: 'Embedding images with the frozen backbone',
    work: `${IMAGES} photos through MobileNetV2 at ${side}x${side}, one after the other, on one thread`,
    notes: [
      `Images a second: ${perSecond(times, IMAGES)}.`,
      'Rekindle: `embed` of the wasm module (CPU build) from decoded pixels: resizing, cropping and normalising are in its time.',
      `TF.js: the same weights with the norms folded, fused convolutions, on tensors made before; SIMD ${simd}, threads ${threads}.`,
      `Smallest cosine similarity of the two embeddings of a photo: ${similarity.toFixed(6)}.`,
    ],
    times,
  };
}

/** What the page holds between the rounds. */
interface Contest {
  rekindle(): Promise<number>;
  tfjs(): Promise<number>;
}

/** Runs in the page: starts both, compares what they compute, and leaves a round of each on `window`. */
async function prepare(count: number) {
  const { startEmbedder, pixels } = await import('page/features.js');
  const { photos } = await import('page/photos.js');
  const tfjs = (await import('/bench/tfjs.js' as string)) as typeof import('./page/tfjs.ts');
  const backend = await tfjs.start();
  if (backend.backend !== 'wasm') throw new Error(`TF.js runs on ${backend.backend}`);
  const { embedder, weights } = await startEmbedder();
  const side = embedder.inputSize();
  const { mean, std } = embedder.spec();
  const plain = [{ index: 0, seed: 0 }];

  const images = await Promise.all((await photos('train')).slice(0, count).map(({ file }) => pixels(file)));
  const embed = async () => {
    const embeddings: Float32Array[] = [];
    const start = performance.now();
    for (const { data, width, height } of images) embeddings.push(await embedder.embed(data, width, height, plain, undefined));
    return { ms: performance.now() - start, embeddings };
  };
  // The crop that the embedder makes, as TF.js wants it: rounded to whole pixel values, so not to the last bit the same.
  const crops = images.map(({ data, width, height }) => {
    const rgba = embedder.preview(data, width, height, plain, undefined);
    return Float32Array.from({ length: side * side * 3 }, (_, at) => {
      const channel = at % 3;
      const value = (rgba[Math.floor(at / 3) * 4 + channel] as number) / 255;
      return (value - (mean[channel] as number)) / (std[channel] as number);
    });
  });
  const other = tfjs.embedding(weights, crops, side);

  const [ours, theirs] = [(await embed()).embeddings, (await other()).embeddings];
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  const cosines = ours.map((a, at) => {
    const b = theirs[at] as Float32Array;
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  });
  Object.assign(window, { rekindle: async () => (await embed()).ms, tfjs: async () => (await other()).ms } satisfies Contest);
  return { side, similarity: Math.min(...cosines), simd: backend.simd, threads: backend.threads && crossOriginIsolated };
}
