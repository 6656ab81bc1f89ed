/** The npm package as a user gets it: packed by `npm pack` and unpacked again. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../pkg/', import.meta.url));
const OUT = fileURLToPath(new URL('../.build/', import.meta.url));

/** The unpacked package. */
export interface Unpacked {
  folder: string;
  /** Its entry for `import`, relative to the folder. */
  entry: string;
}

/** Packs the built package, unless what lies unpacked is newer than everything in it. */
export function unpackedPackage(): Unpacked {
  if (!existsSync(path.join(SOURCE, 'dist'))) {
    throw new Error('the package is not built: run `cargo xtask build`');
  }
  const folder = path.join(OUT, 'package');
  if (!existsSync(folder) || newest(SOURCE) > statSync(folder).mtimeMs) pack(folder);
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    exports: { '.': { import?: string; default?: string } };
  };
  const entry = manifest.exports['.'].import ?? manifest.exports['.'].default;
  if (entry === undefined) throw new Error('the package has no entry for `import`');
  return { folder, entry };
}

function pack(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const answer = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', OUT], {
    cwd: SOURCE,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(answer) as { filename: string }[];
  if (!packed) throw new Error('npm pack made nothing');
  // Not keeping the archive's times makes the folder as new as this packing.
  execFileSync('tar', ['-xzmf', path.join(OUT, packed.filename), '-C', folder, '--strip-components=1']);
}

/** The latest change in a folder, in milliseconds since the epoch. */
function newest(folder: string): number {
  const times = readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .map((entry) => {
      const inside = path.join(folder, entry.name);
      return entry.isDirectory() ? newest(inside) : statSync(inside).mtimeMs;
    });
  return Math.max(0, ...times);
}
