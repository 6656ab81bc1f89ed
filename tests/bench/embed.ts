/** The frozen backbone: Rekindle's two sets of kernels against TF.js and onnxruntime-web with the same weights. */

import type { Site } from '../browser/site.ts';
import type { Contest, Share } from './page/embed.ts';
import { servePeers, versionOf } from './peers.ts';
import type { Result } from './result.ts';
import { alternate } from './rounds.ts';

const ROUNDS = 7;
const IMAGES = 16;
const BATCHES = [1, 16];

/** Embeddings of the same photos one by one and all at once. */
export async function benchEmbed(site: Site): Promise<Result> {
  await servePeers(site.server);
  const page = await site.page();
  const facts = await page.evaluate(prepare, IMAGES);
  const contenders = {
    relaxed: 'Rekindle, relaxed SIMD',
    plain: 'Rekindle, plain SIMD',
    tfjs: `TF.js ${versionOf('@tensorflow/tfjs-core')} (wasm)`,
    ort: `onnxruntime-web ${versionOf('onnxruntime-web')} (wasm)`,
  } satisfies Record<keyof Contest, string>;
  const parts = [];
  for (const batch of BATCHES) {
    const times = await alternate(
      Object.entries(contenders).map(([key, name]) => ({
        name,
        round: () =>
          page.evaluate(
            ([key, batch]) => (window as unknown as { contest: Contest }).contest[key](batch),
            [key as keyof Contest, batch] as const,
          ),
      })),
      ROUNDS,
    );
    parts.push({ title: batch === 1 ? 'One by one' : `${batch} at once`, times });
  }
  return {
    name: 'embed',
    title: 'Embedding images with the frozen backbone',
    work: `${IMAGES} photos through MobileNetV2 at ${facts.side}x${facts.side} on one thread`,
    notes: [
      `Rekindle: \`embed\` of the wasm module (CPU build) from pixels of a photo whose shorter side is ${facts.resized}, so that nothing ` +
        'is resized; cropping and normalising are in its time. All at once: one photo sixteen times, for `embed` takes views of one photo.',
      'TF.js: the same weights with the norms folded, fused convolutions, on tensors made before; ' +
        `SIMD ${facts.simd}, threads ${facts.threads}.`,
      'onnxruntime-web: the same folded weights as an ONNX graph that the benchmark writes, one thread.',
      `Smallest cosine similarity of an embedding to that of TF.js: ${facts.similarity.toFixed(6)}; largest difference of the two ` +
        `sets of kernels: ${facts.difference.toExponential(1)}.`,
      ...facts.shares.map(shareNote),
    ],
    parts,
  };
}

function shareNote({ name, decodeMs, viewMs, embedMs }: Share): string {
  const preparing = (100 * (decodeMs + viewMs)) / (decodeMs + embedMs);
  return (
    `From file to embedding, ${name} SIMD, medians over the photos as they are: decoding ${decodeMs.toFixed(1)} ms (the browser's), ` +
    `resizing and cropping ${viewMs.toFixed(1)} ms, both and the rest ${(decodeMs + embedMs).toFixed(1)} ms: ${preparing.toFixed(0)}% for preparing.`
  );
}

/** Runs in the page: starts all, compares what they compute, and leaves them on `window`. */
async function prepare(count: number) {
  const bench = (await import('/bench/embed.js' as string)) as typeof import('./page/embed.ts');
  const { contest, ...facts } = await bench.prepare(count);
  Object.assign(window, { contest });
  return facts;
}
