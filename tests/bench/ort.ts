/** onnxruntime-web with its wasm and WebGPU providers. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Server } from '../browser/server.ts';
import { servePages } from './pages.ts';

const folder = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));

/** Serves `/bench/ort-wasm.js`, `/bench/ort-webgpu.js` and the runtime's wasm files. */
export async function serveOrt(server: Server): Promise<void> {
  await servePages(server, ['ort-wasm', 'ort-webgpu']);
  server.mount('/ort/', folder);
}

/** The version that is compared with. Its package does not export its description. */
export function ortVersion(): string {
  const description = readFileSync(path.join(folder, '../package.json'), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
