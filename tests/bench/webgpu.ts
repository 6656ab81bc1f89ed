/** The frozen backbone on WebGPU: Rekindle's own WGSL kernels against other libraries with the same weights. */

import type { Site } from '../browser/site.ts';
import { ortVersion, serveOrt } from './ort.ts';
import { alternate, type Contender } from './rounds.ts';
import { perSecond, type Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

/** Few: an image takes the others seconds on a software adapter. */
const ROUNDS = 3;
const BATCHES = [1, 8];
const SIDE = 224;

/** The page modules of the others. */
const PEERS = ['tfjs-webgpu', 'ort-webgpu'];

/** First images, single images and batches. */
export async function benchWebgpu(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  await serveOrt(site.server);
  const first = await alternate(contenders((peer) => firstImage(site, peer)), ROUNDS, 0);

  const page = await site.page();
  const adapter = await page.evaluate(prepare, PEERS);
  const similarities: number[] = [];
  const steady = [];
  for (const batch of BATCHES) {
    for (const peer of PEERS) {
      similarities.push(
        await page.evaluate(({ peer, batch }) => (window as unknown as Contest).similarity(peer, batch), { peer, batch }),
      );
    }
    const round = (peer: string | null) =>
      page.evaluate(({ peer, batch }) => (window as unknown as Contest).round(peer, batch), { peer, batch });
    const work = `${batch === 1 ? 'One image' : `${batch} images together`}, ${SIDE}x${SIDE}, once all is compiled`;
    steady.push({ work, times: await alternate(contenders(round), ROUNDS, 0), images: batch });
  }
  const similarity = Math.min(...similarities);
  if (!(similarity > 0.999)) throw new Error(`they do not compute the same: cosine ${similarity}`);
  return {
    name: 'webgpu',
    title: 'Embedding images with the frozen backbone on WebGPU',
    work: 'The first image: getting the device, uploading the weights, compiling the kernels (Rekindle: and testing them)',
    times: first,
    more: steady.map(({ work, times }) => ({ work, times })),
    notes: [
      `The adapter: ${adapter}. SwiftShader emulates a GPU on the processor: there the ratios say how much work and waiting there is, not what a GPU takes.`,
      ...steady.map(({ images, times }) => `Images a second, ${images} at once: ${perSecond(times, images)}.`),
      'Rekindle: `embed` of the wasm module (WebGPU build) from decoded pixels: cropping, augmenting and resizing are in its time.',
      'TF.js: the same weights with the norms folded, fused convolutions, from normalised numbers; uploading them is in its time.',
      'onnxruntime-web: the same folded weights as an ONNX model that is made in the page, which is in the time of its first image; one thread.',
      'First images: each round in a page of its own; modules are loaded and wasm is compiled before, onnxruntime-web fetches and compiles its own within.',
      `Smallest cosine similarity of the embeddings of an image with Rekindle's: ${similarity.toFixed(6)}.`,
    ],
  };
}

/** Rekindle is no peer of its own. */
function contenders(round: (peer: string | null) => Promise<number>): Contender[] {
  const names = [`TF.js ${tfjsVersion()} (WebGPU)`, `onnxruntime-web ${ortVersion()} (WebGPU)`];
  return [
    { name: 'Rekindle', round: () => round(null) },
    ...PEERS.map((peer, at) => ({ name: names[at] ?? peer, round: () => round(peer) })),
  ];
}

/** What the page holds between the rounds. */
interface Contest {
  round(peer: string | null, batch: number): Promise<number>;
  similarity(peer: string, batch: number): Promise<number>;
}

/** Milliseconds from nothing to the first embedding, in a new page. */
async function firstImage(site: Site, peer: string | null): Promise<number> {
  const page = await site.page();
  try {
    return await page.evaluate(
      async ({ peer, side }) => {
        const { loadWasm, loadWeights } = await import('page/features.js');
        const module = peer && ((await import(`/bench/${peer}.js`)) as { start: import('./page/peer.ts').Start });
        const weights = await loadWeights();
        const wasm = await loadWasm('gpu');
        const grey = new Uint8ClampedArray(side * side * 4).fill(128);
        const start = performance.now();
        if (module) {
          await (await module.start(weights, side)).embed(new Float32Array(side * side * 3), 1);
        } else {
          const embedder = await wasm.Embedder.create(weights, 'webgpu', side);
          await embedder.embed(grey, side, side, [{ index: 0, seed: 0 }], undefined);
        }
        return performance.now() - start;
      },
      { peer, side: SIDE },
    );
  } finally {
    await page.context().close();
  }
}

/** Runs in the page: starts all, leaves a round of each on `window`, and says what the adapter is. */
async function prepare(names: string[]): Promise<string> {
  const { loadWasm, loadWeights, pixels } = await import('page/features.js');
  const { photos } = await import('page/photos.js');
  const weights = await loadWeights();
  const wasm = await loadWasm('gpu');
  const embedder = await wasm.Embedder.create(weights, 'webgpu', undefined);
  const side = embedder.inputSize();
  const { mean, std } = embedder.spec();
  const peers = new Map<string, import('./page/peer.ts').Peer>();
  for (const name of names) {
    const { start } = (await import(`/bench/${name}.js`)) as { start: import('./page/peer.ts').Start };
    peers.set(name, await start(weights, side));
  }
  const [photo] = await photos('train', 1);
  if (!photo) throw new Error('there is no photo');
  const { data, width, height } = await pixels(photo.file);

  const views = (batch: number) => Array.from({ length: batch }, (_, index) => ({ index, seed: index }));
  const ours = async (batch: number) => {
    const start = performance.now();
    const embeddings = await embedder.embed(data, width, height, views(batch), undefined);
    return { ms: performance.now() - start, embeddings };
  };
  // The views that the embedder makes, as the others want them; rounded to whole pixel values, as the embedder's own are.
  const theirs = async (name: string, batch: number) => {
    const peer = peers.get(name);
    if (!peer) throw new Error(`${name} was not started`);
    const rgba = embedder.preview(data, width, height, views(batch), undefined);
    const images = new Float32Array(batch * side * side * 3);
    for (let pixel = 0; pixel < batch * side * side; pixel++) {
      const [image, inside] = [Math.floor(pixel / side / side), pixel % (side * side)];
      for (let channel = 0; channel < 3; channel++) {
        const value = ((rgba[pixel * 4 + channel] as number) / 255 - (mean[channel] as number)) / (std[channel] as number);
        images[peer.channelsFirst ? (image * 3 + channel) * side * side + inside : pixel * 3 + channel] = value;
      }
    }
    const start = performance.now();
    const embeddings = await peer.embed(images, batch);
    return { ms: performance.now() - start, embeddings };
  };
  const similarity = async (name: string, batch: number) => {
    const [a, b] = [(await ours(batch)).embeddings, (await theirs(name, batch)).embeddings];
    const length = a.length / batch;
    const cosines = views(batch).map(({ index }) => {
      let [dot, aa, bb] = [0, 0, 0];
      for (let at = index * length; at < (index + 1) * length; at++) {
        const [x, y] = [a[at] as number, b[at] as number];
        [dot, aa, bb] = [dot + x * y, aa + x * x, bb + y * y];
      }
      return dot / Math.sqrt(aa * bb);
    });
    return Math.min(...cosines);
  };
  const round = async (name: string | null, batch: number) => (name === null ? await ours(batch) : await theirs(name, batch)).ms;
  Object.assign(window, { round, similarity } satisfies Contest);
  const gpu = (navigator as unknown as { gpu: { requestAdapter(): Promise<{ info: Record<string, string> }> } }).gpu;
  const { info } = await gpu.requestAdapter();
  return [info['vendor'], info['architecture'], info['description']].filter(Boolean).join(' ');
}
