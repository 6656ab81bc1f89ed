/** The features that the package caches, computed here by its wasm module, for other programs to use. */

import type { AugmentOptions, DeviceInfo, ResolvedTrainOptions, Spec, TrainOptions } from 'rekindle';

interface View {
  index: number;
  seed: number;
}

/** Weights, preprocessing and frozen prefix. */
export interface Embedder {
  spec(): Spec;
  inputSize(): number;
  featureLength(): number;
  preview(rgba: Uint8ClampedArray, width: number, height: number, views: View[], augment: AugmentOptions | undefined): Uint8Array;
  embed(rgba: Uint8ClampedArray, width: number, height: number, views: View[], augment: AugmentOptions | undefined): Promise<Float32Array>;
}

/** The parts of the wasm module that are used here. */
export interface WasmModule {
  default(input: { module_or_path: Promise<Response> }): Promise<unknown>;
  useKernels(module: WebAssembly.Module): Promise<void>;
  checkTrainOptions(options: unknown): ResolvedTrainOptions;
  Embedder: { create(weights: Uint8Array, device: 'cpu' | 'webgpu', inputSize: number | undefined): Promise<Embedder> };
  Tuner: new (embedder: Embedder, seed: number) => {
    addExample(label: string): number;
    pending(options: ResolvedTrainOptions): { example: number; views: View[] }[];
    putPlain(example: number, features: Float32Array): void;
    follow(options: ResolvedTrainOptions): boolean;
    free(): void;
  };
}

/** The wasm module that the package's worker loads, with its kernels. */
export async function loadWasm(build: 'cpu' | 'gpu', simd: DeviceInfo['simd'] = 'relaxed'): Promise<WasmModule> {
  // The kernels belong to an instance of the module, and the query makes it one of its own.
  const wasm = (await import(`/rekindle/dist/wasm/${build}/rekindle.js?${simd}`)) as WasmModule;
  await wasm.default({ module_or_path: fetch(`/rekindle/dist/wasm/${build}/rekindle_bg.wasm`) });
  await wasm.useKernels(await WebAssembly.compileStreaming(fetch(`/rekindle/dist/wasm/kernels-${simd}.wasm`)));
  return wasm;
}

/** The weights that the package brings. */
export async function loadWeights(): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch('/rekindle/weights/mobilenet_v2.safetensors')).arrayBuffer());
}

/** An embedder made of the files that the package's worker loads. */
export async function startEmbedder(simd: DeviceInfo['simd'] = 'relaxed') {
  const [wasm, weights] = [await loadWasm('cpu', simd), await loadWeights()];
  return { wasm, weights, embedder: await wasm.Embedder.create(weights, 'cpu', undefined) };
}

/** Pixels of an image file. */
export async function pixels(file: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  drawing.drawImage(bitmap, 0, 0);
  return drawing.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** Features of every view that a training with these options needs, a row a view, with the class of each row. */
export async function cachedFeatures(classes: Map<string, File[]>, seed: number, options: TrainOptions) {
  const { wasm, embedder } = await startEmbedder();
  const tuner = new wasm.Tuner(embedder, seed);
  const examples = new Map<number, { label: string; file: File }>();
  for (const [label, files] of classes) {
    for (const file of files) examples.set(tuner.addExample(label), { label, file });
  }
  const checked = wasm.checkTrainOptions(options);
  const names = [...classes.keys()];
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  for (const { example, views } of tuner.pending(checked)) {
    const { label, file } = examples.get(example) as { label: string; file: File };
    const image = await pixels(file);
    rows.push(await embedder.embed(image.data, image.width, image.height, views, checked.augment));
    for (const _ of views) labels.push(names.indexOf(label));
  }
  const featureLength = embedder.featureLength();
  const features = new Float32Array(labels.length * featureLength);
  let at = 0;
  for (const row of rows) {
    features.set(row, at);
    at += row.length;
  }
  return { features, featureLength, labels };
}
