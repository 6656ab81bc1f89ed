// Builds dist: compiles TypeScript and writes down the size and sha256 of the weights that this build belongs to.
// The wasm in dist/wasm comes from `cargo xtask build`, which then runs this.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;

function readWeights() {
  try {
    return readFileSync(join(here, 'weights/mobilenet_v2.safetensors'));
  } catch {
    console.error('pkg/weights/mobilenet_v2.safetensors is missing: run `cargo xtask weights` first.');
    process.exit(1);
  }
}

const weights = readWeights();
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '--project', join(here, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
const manifest = { bytes: weights.length, sha256: createHash('sha256').update(weights).digest('hex') };
writeFileSync(join(here, 'dist/weights-manifest.js'), `export const MOBILENET_V2 = ${JSON.stringify(manifest)};\n`);
