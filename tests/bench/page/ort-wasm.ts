/** MobileNetV2 on onnxruntime-web's wasm provider, inside the page. */

import * as ort from 'onnxruntime-web/wasm';
import { onnx } from './onnx.ts';
import type { Start } from './peer.ts';

/** Starts the runtime on one thread and gives it the model. */
export const start: Start = async (weights, side) => {
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(onnx(weights, side), { executionProviders: ['wasm'] });
  return {
    channelsFirst: true,
    async embed(images, count) {
      const { embedding } = await session.run({ images: new ort.Tensor('float32', images, [count, 3, side, side]) });
      if (!embedding) throw new Error('onnxruntime gives no embedding');
      return embedding.data as Float32Array;
    },
  };
};
