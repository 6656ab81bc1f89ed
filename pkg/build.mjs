// Builds dist: compiles TypeScript and writes down size and sha256 of the files that this build belongs to.
// The wasm in dist/wasm comes from `cargo xtask build`, which then runs this.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const here = import.meta.dirname;

function read(file, task) {
  try {
    return readFileSync(join(here, file));
  } catch {
    console.error(`pkg/${file} is missing: run \`cargo xtask ${task}\` first.`);
    process.exit(1);
  }
}

const sha256 = (bytes, encoding) => createHash('sha256').update(bytes).digest(encoding);

const weights = read('weights/mobilenet_v2.safetensors', 'weights');
const integrity = (name) => `sha256-${sha256(read(`dist/wasm/kernels-${name}.wasm`, 'build'), 'base64')}`;
const kernels = { relaxed: integrity('relaxed'), plain: integrity('plain') };
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '--project', join(here, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
const write = (name, constant, manifest) =>
  writeFileSync(join(here, `dist/${name}-manifest.js`), `export const ${constant} = ${JSON.stringify(manifest)};\n`);
write('weights', 'MOBILENET_V2', { bytes: weights.length, sha256: sha256(weights, 'hex') });
write('kernels', 'KERNEL_INTEGRITY', kernels);
