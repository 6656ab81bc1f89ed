/** The frozen backbone: Rekindle's two sets of kernels against other libraries with the same weights. */

import type { Site } from '../browser/site.ts';
import type { Contest, Share } from './page/embed.ts';
import { ortVersion, serveOrt } from './ort.ts';
import { servePages } from './pages.ts';
import { perSecond, type Comparison, type Result } from './result.ts';
import { alternate } from './rounds.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

const ROUNDS = 15;
const IMAGES = 16;
const BATCHES = [1, 16];

/** Embeddings of the same photos one by one and all at once. */
export async function benchEmbed(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  await serveOrt(site.server);
  await servePages(site.server, ['embed']);
  const page = await site.page();
  const facts = await page.evaluate(async (count) => {
    const bench = (await import('/bench/embed.js' as string)) as typeof import('./page/embed.ts');
    const { contest, ...facts } = await bench.prepare(count);
    Object.assign(window, { contest });
    return facts;
  }, IMAGES);
  if (!(facts.similarity > 0.999)) throw new Error(`they do not compute the same: cosine ${facts.similarity}`);

  const contender = (key: keyof Contest, name: string, batch: number) => ({
    name,
    round: () =>
      page.evaluate(([key, batch]) => (window as unknown as { contest: Contest }).contest[key](batch), [key, batch] as const),
  });
  const parts: Comparison[] = [];
  for (const batch of BATCHES) {
    const times = await alternate(
      [
        contender('relaxed', 'Rekindle, relaxed SIMD', batch),
        contender('plain', 'Rekindle, plain SIMD', batch),
        contender('tfjs', `TF.js ${tfjsVersion()} (wasm)`, batch),
        contender('ort', `onnxruntime-web ${ortVersion()} (wasm)`, batch),
      ],
      ROUNDS,
    );
    const work = `${IMAGES} photos, ${batch === 1 ? 'one by one' : `${batch} at once`}`;
    parts.push({ work, times });
  }
  const [{ work, times }, ...more] = parts as [Comparison, ...Comparison[]];
  return {
    name: 'embed',
    title: 'Embedding images with the frozen backbone',
    work: `${work}, through MobileNetV2 at ${facts.side}x${facts.side} on one thread`,
    times,
    more,
    notes: [
      ...parts.map(({ work, times }) => `${work}, images a second: ${perSecond(times, IMAGES)}.`),
      `Rekindle: \`embed\` of the wasm module (CPU build) from pixels of photos whose shorter side is ${facts.resized}: cropping and ` +
        'normalising are in its time. At once: one photo as often, for `embed` takes views of one photo.',
      'TF.js: the same weights with the norms folded, fused convolutions, on tensors made before; ' +
        `SIMD ${facts.simd}, threads ${facts.threads}.`,
      'onnxruntime-web: the same folded weights as an ONNX model, normalised numbers given; one thread.',
      `Smallest cosine similarity of an embedding to that of TF.js or onnxruntime-web: ${facts.similarity.toFixed(6)}; largest difference of the two ` +
        `sets of kernels in a feature: ${facts.difference.toExponential(1)}.`,
      shareNote('relaxed', facts.shares.relaxed),
      shareNote('plain', facts.shares.plain),
    ],
  };
}

function shareNote(simd: string, { decodeMs, viewMs, embedMs }: Share): string {
  const [whole, preparing] = [decodeMs + embedMs, decodeMs + viewMs].map((ms) => ms.toFixed(1));
  return (
    `From a photo's file, ${simd} SIMD, medians: ${whole} ms to the embedding, of which ${preparing} ms for decoding ` +
    `(${decodeMs.toFixed(1)} ms, the browser's), resizing and cropping (${viewMs.toFixed(1)} ms).`
  );
}
