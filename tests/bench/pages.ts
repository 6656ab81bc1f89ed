/** What the benchmarks run inside the page, bundled and served beside the package. */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Server } from '../browser/server.ts';

/** Serves `/bench/<name>.js` for each of these modules of `page/`. */
export async function servePages(server: Server, names: string[]): Promise<void> {
  const folder = fileURLToPath(new URL('../.build/bench/', import.meta.url));
  await build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`./page/${name}.ts`, import.meta.url))),
    outdir: folder,
    bundle: true,
    format: 'esm',
    // The site serves these itself.
    external: ['page/*', '/bench/*'],
    minify: true,
    logLevel: 'error',
  });
  server.mount('/bench/', folder);
}
