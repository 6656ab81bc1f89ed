/** What the benchmark of embedding does inside the page. */

import { pixels, startEmbedder, type Embedder } from 'page/features.js';
import { photos } from 'page/photos.js';
import type { Peer, Start } from './peer.ts';
import * as tfjs from './tfjs.ts';

/** A round of each contender: the milliseconds for all photos, so many at once. */
export type Contest = Record<'relaxed' | 'plain' | 'tfjs' | 'ort', (batch: number) => Promise<number>>;

/** Where the time of a photo goes, from its file to its embedding: medians in milliseconds. */
export interface Share {
  decodeMs: number;
  /** Resizing and cropping. */
  viewMs: number;
  /** Resizing, cropping, normalising and the backbone. */
  embedMs: number;
}

const PLAIN = { index: 0, seed: 0 };

/** Starts the contenders and compares what they compute. */
export async function prepare(count: number) {
  const backend = await tfjs.start();
  if (backend.backend !== 'wasm') throw new Error(`TF.js runs on ${backend.backend}`);
  const files = (await photos('train')).slice(0, count).map(({ file }) => file);
  const { embedder, weights } = await startEmbedder('relaxed');
  const { embedder: plain } = await startEmbedder('plain');
  const side = embedder.inputSize();
  const resized = Math.round(side / embedder.spec().cropPct);
  const images = await Promise.all(files.map((file) => shrunk(file, resized)));
  const crops = images.map((image) => crop(embedder, image));
  const peer = tfjs.embedding(weights, crops, side);
  const { start } = (await import('/bench/ort-wasm.js' as string)) as { start: Start };
  const ort = onOrt(await start(weights, side), crops, side);

  const ours = [await embeddings(embedder, images), await embeddings(plain, images)] as const;
  const theirs = [(await peer(1)).outputs, (await ort(1)).outputs];
  return {
    contest: {
      relaxed: (batch) => round(embedder, images, batch),
      plain: (batch) => round(plain, images, batch),
      tfjs: async (batch) => (await peer(batch)).ms,
      ort: async (batch) => (await ort(batch)).ms,
    } satisfies Contest,
    side,
    resized,
    simd: backend.simd,
    threads: backend.threads && crossOriginIsolated,
    similarity: Math.min(
      ...ours.flatMap((rows) => theirs.flatMap((others) => rows.map((row, at) => cosine(row, others[at] as Float32Array)))),
    ),
    difference: Math.max(...ours[0].map((row, at) => distance(row, ours[1][at] as Float32Array))),
    shares: { relaxed: await share(embedder, files), plain: await share(plain, files) },
  };
}

/** Pixels of a photo whose shorter side is `side`, which the embedder then does not resize. */
async function shrunk(file: Blob, side: number): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const scale = side / Math.min(bitmap.width, bitmap.height);
  const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const drawing = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D;
  drawing.drawImage(bitmap, 0, 0, width, height);
  return drawing.getImageData(0, 0, width, height);
}

/** The crop that the embedder makes, as TF.js wants it: rounded to whole pixel values, so not to the last bit the same. */
function crop(embedder: Embedder, { data, width, height }: ImageData): Float32Array {
  const { mean, std } = embedder.spec();
  const rgba = embedder.preview(data, width, height, [PLAIN], undefined);
  return Float32Array.from({ length: (rgba.length / 4) * 3 }, (_, at) => {
    const channel = at % 3;
    const value = (rgba[Math.floor(at / 3) * 4 + channel] as number) / 255;
    return (value - (mean[channel] as number)) / (std[channel] as number);
  });
}

async function embeddings(embedder: Embedder, images: ImageData[]): Promise<Float32Array[]> {
  const rows = [];
  for (const { data, width, height } of images) rows.push(await embedder.embed(data, width, height, [PLAIN], undefined));
  return rows;
}

/** One by one, each photo; more at once, the plain view of one photo as often, for `embed` takes views of one. */
async function round(embedder: Embedder, images: ImageData[], batch: number): Promise<number> {
  const views = new Array<typeof PLAIN>(batch).fill(PLAIN);
  const start = performance.now();
  for (let at = 0; at < images.length; at += batch) {
    const { data, width, height } = images[at] as ImageData;
    await embedder.embed(data, width, height, views, undefined);
  }
  return performance.now() - start;
}

/** onnxruntime on all crops, so many at once; the inputs are put together before its time begins. */
function onOrt(peer: Peer, crops: Float32Array[], side: number) {
  const pixels = side * side;
  const planar = crops.map((crop) => Float32Array.from({ length: crop.length }, (_, at) => crop[(at % pixels) * 3 + Math.floor(at / pixels)] as number));
  return async (batch: number) => {
    const inputs = Array.from({ length: planar.length / batch }, (_, index) => {
      const input = new Float32Array(batch * pixels * 3);
      planar.slice(index * batch, (index + 1) * batch).forEach((crop, at) => input.set(crop, at * pixels * 3));
      return input;
    });
    const outputs: Float32Array[] = [];
    const start = performance.now();
    for (const input of inputs) outputs.push(await peer.embed(input, batch));
    return { ms: performance.now() - start, outputs };
  };
}

async function share(embedder: Embedder, files: Blob[]): Promise<Share> {
  const [decode, view, embed]: [number[], number[], number[]] = [[], [], []];
  for (const file of files) {
    const start = performance.now();
    const { data, width, height } = await pixels(file);
    const decoded = performance.now();
    embedder.preview(data, width, height, [PLAIN], undefined);
    const viewed = performance.now();
    await embedder.embed(data, width, height, [PLAIN], undefined);
    decode.push(decoded - start);
    view.push(viewed - decoded);
    embed.push(performance.now() - viewed);
  }
  return { decodeMs: median(decode), viewMs: median(view), embedMs: median(embed) };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] as number))), 0);
}
