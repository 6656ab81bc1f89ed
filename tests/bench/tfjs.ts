/** TF.js with its wasm and WebGPU backends. */

import { createRequire } from 'node:module';
import path from 'node:path';
import type { Server } from '../browser/server.ts';
import { servePages } from './pages.ts';

const require = createRequire(import.meta.url);

/** Serves `/bench/tfjs.js` and `/bench/tfjs-webgpu.js`, which hold the contenders of TF.js, and the backend's wasm files. */
export async function serveTfjs(server: Server): Promise<void> {
  await servePages(server, ['tfjs', 'tfjs-webgpu']);
  server.mount('/tfjs-wasm/', path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
}

/** The version that is compared with. */
export function tfjsVersion(): string {
  return (require('@tensorflow/tfjs-core/package.json') as { version: string }).version;
}
