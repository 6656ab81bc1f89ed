/** TF.js with its wasm backend, bundled for the page and served beside the package. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Server } from '../browser/server.ts';

const require = createRequire(import.meta.url);

/** Serves `/bench/tfjs.js` and `/bench/embed.js`, which hold the contenders, and the wasm files of TF.js. */
export async function serveTfjs(server: Server): Promise<void> {
  const folder = fileURLToPath(new URL('../.build/bench/', import.meta.url));
  await build({
    entryPoints: ['tfjs', 'embed'].map((name) => fileURLToPath(new URL(`./page/${name}.ts`, import.meta.url))),
    outdir: folder,
    bundle: true,
    format: 'esm',
    // The site serves these itself.
    external: ['page/*'],
    minify: true,
    logLevel: 'error',
  });
  server.mount('/bench/', folder);
  server.mount('/tfjs-wasm/', path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
}

/** The version that is compared with. */
export function tfjsVersion(): string {
  return (require('@tensorflow/tfjs-core/package.json') as { version: string }).version;
}
