// Builds dist: types of every module, and each entry with its modules in one small file: a worker whose modules import each
// other would start later by as many answers of the server. Size and sha256 of the files that belong to this build go in as
// constants.
// The wasm and its glue in dist/wasm come from `cargo xtask build`, which then runs this.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

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

const weights = (name) => {
  const bytes = read(`weights/${name}.safetensors`, 'weights');
  return { bytes: bytes.length, sha256: sha256(bytes, 'hex') };
};
const integrity = (name) => `sha256-${sha256(read(`dist/wasm/kernels-${name}.wasm`, 'build'), 'base64')}`;
const constants = {
  MOBILENET_V2: { f16: weights('mobilenet_v2'), int8: weights('mobilenet_v2.int8') },
  KERNEL_INTEGRITY: { relaxed: integrity('relaxed'), plain: integrity('plain') },
};

// What an earlier build left must not be packed.
for (const { name, parentPath } of readdirSync(join(here, 'dist'), { withFileTypes: true }).filter((entry) => entry.isFile())) {
  rmSync(join(parentPath, name));
}
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '--project', join(here, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
const small = { minify: true, format: 'esm', target: 'es2022', logLevel: 'warning' };
await build({
  ...small,
  entryPoints: ['index', 'worker-cpu', 'worker-gpu'].map((entry) => join(here, `src/${entry}.ts`)),
  outdir: join(here, 'dist'),
  bundle: true,
  // The glue belongs to its module and stays beside it.
  external: ['./wasm/*'],
  define: Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, JSON.stringify(value)])),
});
const glue = ['cpu', 'gpu', 'tune'].map((flavour) => join(here, `dist/wasm/${flavour}/rekindle.js`));
await build({ ...small, entryPoints: glue, outdir: join(here, 'dist/wasm'), allowOverwrite: true });
