/** From nothing to the first embedding: what a person waits for when the page opens. */

import type { Site } from '../browser/site.ts';
import { alternate } from './rounds.ts';
import type { Result } from './result.ts';
import { serveTfjs, tfjsVersion } from './tfjs.ts';

const ROUNDS = 15;
/** Until the page of the round before is gone. */
const REST_MS = 500;
const PARTS = ['workerMs', 'wasmMs', 'weightsMs', 'prefixMs'] as const;

/** Each round in a page and a profile of its own; files come from this machine, and nothing is cached. */
export async function benchStart(site: Site): Promise<Result> {
  await serveTfjs(site.server);
  const inPage = async <T>(work: () => Promise<T>): Promise<T> => {
    const page = await site.page();
    try {
      await page.waitForTimeout(REST_MS);
      return await page.evaluate(work);
    } finally {
      await page.context().close();
    }
  };
  const starts: Awaited<ReturnType<typeof rekindle>>[] = [];
  const times = await alternate(
    [
      {
        name: 'Rekindle',
        round: async () => {
          const start = await inPage(rekindle);
          starts.push(start);
          return start.ms;
        },
      },
      { name: `TF.js ${tfjsVersion()} (wasm)`, round: () => inPage(peer) },
    ],
    ROUNDS,
  );
  const counted = starts.slice(1);
  const middle = (of: (start: (typeof starts)[number]) => number) => {
    const sorted = counted.map(of).sort((a, b) => a - b);
    return (sorted[sorted.length >> 1] ?? NaN).toFixed(0);
  };
  const parts = PARTS.map((part) => `${part.slice(0, -2)} ${middle((start) => start.parts[part])} ms`).join(', ');
  return {
    name: 'start',
    title: 'From nothing to the first embedding',
    work: 'A page that has loaded its JavaScript starts the backbone and embeds one photo; files from this machine, nothing cached',
    notes: [
      `Rekindle: \`Tuner.create\` and \`embed\`; ready after ${middle(({ ready }) => ready)} ms (median). Of that (\`tuner.startup\`; wasm and weights load side by side): ${parts}.`,
      'TF.js: its wasm backend, the same weights file fetched and folded, and the first embedding of the same photo, resized by the canvas, on the main thread.',
    ],
    times,
  };
}

/** Runs in the page. */
async function rekindle() {
  const { Tuner } = await import('rekindle');
  const { photos } = await import('page/photos.js');
  const [photo] = await photos('test', 1);
  if (!photo) throw new Error('there is no photo');
  const start = performance.now();
  const tuner = await Tuner.create({ device: 'cpu' });
  const ready = performance.now() - start;
  await tuner.embed(photo.file);
  const ms = performance.now() - start;
  const parts = tuner.startup;
  await tuner.dispose();
  return { ms, ready, parts };
}

/** Runs in the page. */
async function peer(): Promise<number> {
  const tfjs = (await import('/bench/tfjs.js' as string)) as typeof import('./page/tfjs.ts');
  const { photos } = await import('page/photos.js');
  const [photo] = await photos('test', 1);
  if (!photo) throw new Error('there is no photo');
  const start = performance.now();
  await tfjs.start();
  const weights = new Uint8Array(await (await fetch('/rekindle/weights/mobilenet_v2.safetensors')).arrayBuffer());
  const side = 224;
  const bitmap = await createImageBitmap(photo.file);
  const canvas = new OffscreenCanvas(side, side);
  const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  drawing.drawImage(bitmap, 0, 0, side, side);
  const { data } = drawing.getImageData(0, 0, side, side);
  const image = Float32Array.from({ length: side * side * 3 }, (_, at) => {
    const value = data[Math.floor(at / 3) * 4 + (at % 3)] as number;
    return (value / 255 - 0.45) / 0.225;
  });
  await tfjs.embedding(weights, [image], side)(1);
  return performance.now() - start;
}
