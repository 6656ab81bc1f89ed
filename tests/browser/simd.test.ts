/** Both sets of kernels: a browser with relaxed SIMD, one without it, one without any SIMD, and files that do not arrive. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { apart, TOLERANCE } from './apart.ts';
import type { Replacement } from './server.ts';
import { openSite, type Site } from './site.ts';

const KERNELS = /\/kernels-\w+\.wasm$/;

const site = await openSite();
after(() => site.close());

/** Makes the worker's browser one that does not know relaxed SIMD; the returned function makes it this one again. */
function withoutRelaxed(): () => void {
  return site.server.replace(/worker-cpu\.js$/, (bytes) => ({
    bytes: Buffer.concat([Buffer.from('WebAssembly.validate = () => false;\n'), bytes]),
  }));
}

/** The kernels that a Tuner of a new page runs on, and its embeddings of two photos of each class. */
async function embed(site: Site) {
  const page = await site.page();
  const before = site.server.requests.length;
  const result = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu' });
    const embeddings = [];
    for (const { file } of await photos('test', 2)) embeddings.push(Array.from(await tuner.embed(file)));
    const { simd } = tuner.device;
    await tuner.dispose();
    return { simd, embeddings };
  });
  await page.context().close();
  return { ...result, fetched: site.server.requests.slice(before).flatMap((path) => /kernels-(\w+)\.wasm$/.exec(path)?.[1] ?? []) };
}

// Before any test, for their requests would be among its own.
const relaxed = await embed(site);

for (const simd of ['relaxed', 'plain']) {
  test(`the ${simd} kernels compute what they are defined to, and write nothing else`, async () => {
    const page = await site.page();
    const { jobs, difference, stray } = await page.evaluate(async (simd) => {
      const { checkKernels } = await import('page/kernels.js');
      return checkKernels(`/rekindle/dist/wasm/kernels-${simd}.wasm`);
    }, simd);
    await page.context().close();
    assert.equal(jobs, 5 * 14 * 3 + 4 * 20 * 3 + 4 * 14 * 3);
    // Sums of up to 27 products of numbers up to 2, or of whole numbers that are worth as much, and squares of such sums, in f32 against f64.
    assert.ok(difference < 1e-4, `they differ by ${difference}`);
    assert.equal(stray, 0);
  });
}

describe('kernels', () => {
  test('are the relaxed ones where the browser has the instructions, with the same bits every time', async () => {
    assert.equal(relaxed.simd, 'relaxed');
    assert.deepEqual(relaxed.fetched, ['relaxed']);
    assert.equal(relaxed.embeddings.length, 12);
    assert.deepEqual((await embed(site)).embeddings, relaxed.embeddings);
  });

  test('are the plain ones in a browser without relaxed SIMD, and the embeddings the same but for rounding', async () => {
    const restore = withoutRelaxed();
    const [plain, again] = [await embed(site), await embed(site)];
    restore();
    assert.equal(plain.simd, 'plain');
    assert.deepEqual(plain.fetched, ['plain']);
    assert.deepEqual(again.embeddings, plain.embeddings);
    const largest = apart(plain.embeddings, relaxed.embeddings);
    assert.ok(largest < TOLERANCE, `they differ by ${largest}`);
    // Were there no difference at all, the relaxed kernels would not have run.
    assert.ok(largest > 0);
  });

  const broken: [string, (bytes: Uint8Array) => Replacement][] = [
    ['is not served', () => ({ status: 404 })],
    ['is cut off', (bytes) => ({ bytes: bytes.slice(0, bytes.length / 2) })],
    // A module that links and does nothing: only the hash tells that it is another.
    ['is of another build', () => ({ bytes: EMPTY_RUN })],
  ];
  for (const [what, replace] of broken) {
    test(`are the plain ones where the file of the others ${what}`, async () => {
      const restore = site.server.replace(KERNELS, replace);
      const plain = await embed(site);
      restore();
      assert.equal(plain.simd, 'plain');
      assert.deepEqual(plain.fetched, ['relaxed']);
      assert.ok(apart(plain.embeddings, relaxed.embeddings) < TOLERANCE);
    });
  }

  test('of one kind open a project that was saved with the other', async () => {
    const page = await site.page();
    const { before, saved } = await page.evaluate(async () => {
      const { Tuner } = await import('rekindle');
      const { byLabel, photos } = await import('page/photos.js');
      const tuner = await Tuner.create({ device: 'cpu', seed: 5, inputSize: 160 });
      for (const [label, files] of byLabel(await photos('train', 5))) await tuner.addExamples(label, files);
      await tuner.train({ epochs: 10, views: 1 }).report;
      const before = [];
      for (const { file } of await photos('test', 2)) before.push(await tuner.predict(file));
      return { before, saved: Array.from(new Uint8Array(await (await tuner.save()).arrayBuffer())) };
    });
    const restore = withoutRelaxed();
    const other = await (await site.page()).evaluate(async (saved) => {
      const { Tuner } = await import('rekindle');
      const { photos } = await import('page/photos.js');
      const tuner = await Tuner.open(new Blob([new Uint8Array(saved)]), { device: 'cpu' });
      const predictions = [];
      for (const { file } of await photos('test', 2)) predictions.push(await tuner.predict(file));
      return { simd: tuner.device.simd, predictions };
    }, saved);
    restore();
    assert.equal(other.simd, 'plain');
    for (const [at, { label, probability }] of other.predictions.entries()) {
      assert.equal(label, before[at]?.label);
      assert.ok(Math.abs(probability - (before[at]?.probability ?? NaN)) < TOLERANCE);
    }
  });
});

test('a browser without SIMD is told so: WASM_FAILED', async () => {
  // V8 builds SIMD on SSE4.1; without it, it refuses modules that use it, as an old browser does.
  const old = await openSite('none', ['--js-flags=--no-enable-sse4-1 --no-enable-ssse3']);
  const page = await old.page();
  const outcome = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    return outcome(() => Tuner.create({ device: 'cpu' }));
  });
  await old.close();
  assert.ok(!outcome.ok, 'it was created');
  assert.equal(outcome.code, 'WASM_FAILED', outcome.message);
  assert.match(outcome.message, /must support WebAssembly SIMD/);
});

/** `(module (import "env" "memory" (memory 0)) (func (export "run") (param i32)))` */
// prettier-ignore
const EMPTY_RUN = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 5, 1, 0x60, 1, 0x7f, 0,
  2, 15, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0, 0,
  3, 2, 1, 0,
  7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 0,
  10, 4, 1, 2, 0, 0x0b,
);
