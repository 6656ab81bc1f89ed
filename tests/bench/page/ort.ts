/** MobileNetV2 on onnxruntime-web, inside the page. */

import type * as Runtime from 'onnxruntime-web';
import { onnx } from './onnx.ts';
import type { Start } from './peer.ts';

/** Starts a build of the runtime on one thread and gives it the model, to be run by this provider. */
export function startOn(ort: typeof Runtime, provider: 'wasm' | 'webgpu'): Start {
  return async (weights, side) => {
    ort.env.wasm.wasmPaths = '/ort/';
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(onnx(weights, side), { executionProviders: [provider] });
    return {
      channelsFirst: true,
      async embed(images, count) {
        const { embedding } = await session.run({ images: new ort.Tensor('float32', images, [count, 3, side, side]) });
        if (!embedding) throw new Error('onnxruntime gives no embedding');
        return (await embedding.getData()) as Float32Array;
      },
    };
  };
}
