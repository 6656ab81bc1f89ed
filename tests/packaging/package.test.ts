/** The tarball itself: what is in it, and that other tools find their way in it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { Tarball } from './tarball.ts';

const tarball = new Tarball();
after(() => tarball.remove());

/** Runs a program of a package that is installed here; its output is in the error when it fails. */
function runBin(name: string, bin: string, args: string[], cwd: string): string {
  const program = path.join(path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), bin);
  try {
    return execFileSync(process.execPath, [program, ...args], { cwd, encoding: 'utf8' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${name} failed:\n${stdout}${stderr}`);
  }
}

test('it holds what runs, what types it, the weights and the licences, and nothing else', () => {
  const needed = ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.js', 'dist/index.d.ts', 'dist/worker-cpu.js', 'dist/worker-gpu.js'];
  assert.deepEqual(needed.filter((file) => !tarball.files.includes(file)), [], 'missing');
  assert.ok(tarball.files.some((file) => /^weights\/.*licen[cs]e/i.test(file)), 'the licence of the weights is missing');

  const expected = [
    ...[/^package\.json$/, /^README\.md$/, /^LICENSE-\w+$/, /^weights\/[\w.-]+$/],
    ...[/^dist\/(index|worker-[cg]pu)\.js$/, /^dist\/[\w-]+\.d\.ts$/, /^dist\/wasm\/(cpu|gpu|tune)\/rekindle[\w.]+$/, /^dist\/wasm\/kernels-\w+\.wasm$/],
  ];
  assert.deepEqual(tarball.files.filter((file) => !expected.some((pattern) => pattern.test(file))), [], 'not expected');
});

/** Most of the package's own JavaScript that a session may load, in kB; the glue of a module is in that module's budget. */
const SCRIPT_BUDGET = 20;

for (const flavour of ['cpu', 'gpu']) {
  test(`the package's own JavaScript that a session on the ${flavour} loads is at most ${SCRIPT_BUDGET} kB after brotli`, (t) => {
    const project = tarball.install(`size-${flavour}`, new URL('./types/', import.meta.url));
    const files = ['index.js', `worker-${flavour}.js`];
    const sizes = files.map((file) => brotli(path.join(project, 'node_modules/rekindle/dist', file)) / 1000);
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    t.diagnostic(`${files.map((file, index) => `${file} ${sizes[index]?.toFixed(1)}`).join(', ')}: ${whole.toFixed(1)} kB`);
    assert.ok(whole <= SCRIPT_BUDGET, `${whole.toFixed(1)} kB`);
  });
}

/** Bytes of a file as a server would send it at the highest level. */
function brotli(file: string): number {
  return brotliCompressSync(readFileSync(file), { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length;
}

test('it has no dependencies and runs nothing when it is installed', () => {
  const folder = tarball.install('manifest', new URL('./types/', import.meta.url));
  const manifest = createRequire(path.join(folder, 'x.js'))('rekindle/package.json') as Record<string, unknown>;
  for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies']) assert.equal(manifest[field], undefined);
  const scripts = Object.keys(manifest['scripts'] as object);
  assert.deepEqual(scripts.filter((script) => /install|prepare|prepack|postpack/.test(script)), []);
});

test('publint has no objection', async () => {
  const { buffer, byteOffset, byteLength } = tarball.bytes();
  const { messages, pkg } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer },
    strict: true,
  });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
});

test('are-the-types-wrong has no objection', () => {
  const args = [tarball.path, '--profile', 'esm-only', '--no-color'];
  runBin('@arethetypeswrong/cli', 'dist/index.js', args, process.cwd());
});

for (const [module, moduleResolution] of [['esnext', 'bundler'], ['node16', 'node16']] as const) {
  test(`a strict project type-checks with moduleResolution ${moduleResolution}`, () => {
    const project = tarball.install(`types-${moduleResolution}`, new URL('./types/', import.meta.url));
    const compilerOptions = {
      ...{ target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], module, moduleResolution, types: [], noEmit: true },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    };
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer.ts'] }));
    runBin('typescript', 'bin/tsc', ['--project', project], project);
  });
}

test('importing it on a server has no effect', () => {
  const project = tarball.install('server', new URL('./types/', import.meta.url));
  const script = `
    const before = Object.getOwnPropertyNames(globalThis).sort().join();
    const { Tuner, RekindleError } = await import('rekindle');
    const after = Object.getOwnPropertyNames(globalThis).sort().join();
    const error = await Tuner.create().catch((error) => error);
    const ours = error instanceof RekindleError;
    console.log(JSON.stringify([before === after, process.getActiveResourcesInfo(), ours, error.code]));`;
  const args = ['--input-type=module', '--eval', script];
  const printed = execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
  const [sameGlobals, resources, isOurs, code] = JSON.parse(printed) as [boolean, string[], boolean, string];
  assert.ok(sameGlobals, 'importing changed the global scope');
  assert.deepEqual(resources.filter((resource) => /Timeout|Worker|Message|TCP/.test(resource)), []);
  assert.deepEqual([isOurs, code], [true, 'WORKER_FAILED']);
});
