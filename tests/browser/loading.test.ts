/** What goes wrong while the package's own files are loaded: an error with a code, and the next try works. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Outcome } from './page/outcome.ts';
import type { Replacement } from './server.ts';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

function create(page: Page): Promise<Outcome> {
  return page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    return outcome(async () => {
      const tuner = await Tuner.create({ device: 'cpu' });
      await tuner.dispose();
      return 'created';
    });
  });
}

function half(bytes: Uint8Array): Replacement {
  return { bytes: bytes.slice(0, bytes.length / 2) };
}

function oneByte(bytes: Uint8Array): Replacement {
  const other = Uint8Array.from(bytes);
  const middle = Math.floor(other.length / 2);
  other[middle] = (other[middle] ?? 0) ^ 0xff;
  return { bytes: other };
}

function missing(): Replacement {
  return { status: 404 };
}

const CASES: [string, RegExp, (bytes: Uint8Array) => Replacement, string][] = [
  ['weights that are cut off', /\.safetensors$/, half, 'WEIGHTS_FORMAT'],
  ['weights with one other byte', /\.safetensors$/, oneByte, 'WEIGHTS_FORMAT'],
  ['empty weights', /\.safetensors$/, () => ({ bytes: new Uint8Array() }), 'WEIGHTS_FORMAT'],
  ['weights that are not served', /\.safetensors$/, missing, 'WEIGHTS_FETCH'],
  ['wasm that is cut off', /\.wasm$/, half, 'WASM_FAILED'],
  ['wasm that is not served', /\.wasm$/, missing, 'WASM_FAILED'],
  ['a worker that is not served', /worker[^/]*\.js$/, missing, 'WORKER_FAILED'],
];

describe('broken files', () => {
  for (const [name, pattern, replace, code] of CASES) {
    test(`${name}: ${code}, and the next try works`, async () => {
      const page = await site.page();
      // What is imported is kept by the page, so the library is there before its files break.
      await page.evaluate(async () => void (await import('rekindle')));
      const mend = site.server.replace(pattern, replace);
      const broken = await create(page);
      mend();
      assert.ok(!broken.ok, 'it was created from broken files');
      assert.equal(broken.name, 'RekindleError');
      assert.equal(broken.code, code, broken.message);
      assert.ok(broken.message.length > 20);
      assert.deepEqual(await create(page), { ok: true, value: 'created' });
      await page.context().close();
    });
  }
});

test('offline at load: an error that says so, and the next try works', async () => {
  const page = await site.page();
  await page.evaluate(async () => {
    await import('rekindle');
    await import('page/outcome.js');
  });
  await page.context().setOffline(true);
  const offline = await create(page);
  await page.context().setOffline(false);
  assert.ok(!offline.ok, 'it was created without a network');
  assert.ok(['WORKER_FAILED', 'WASM_FAILED', 'WEIGHTS_FETCH'].includes(offline.code ?? ''), JSON.stringify(offline));
  assert.match(offline.message, /connection|network|offline/i);
  assert.deepEqual(await create(page), { ok: true, value: 'created' });
});

test('progress counts the bytes of both files up to their sizes', async () => {
  const page = await site.page();
  const progress = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const seen: { file: string; loadedBytes: number; totalBytes: number | null }[] = [];
    const tuner = await Tuner.create({ device: 'cpu', onProgress: (progress) => void seen.push(progress) });
    await tuner.dispose();
    return seen;
  });
  for (const file of ['wasm', 'weights']) {
    const loaded = progress.filter((event) => event.file === file);
    const bytes = loaded.map(({ loadedBytes }) => loadedBytes);
    assert.ok(loaded.length > 0, `nothing was said of the ${file}`);
    assert.deepEqual(bytes, [...bytes].sort((a, b) => a - b), 'it only grows');
    assert.equal(bytes.at(-1), loaded.at(-1)?.totalBytes, 'it ends with the whole file');
    assert.ok((bytes.at(-1) ?? 0) > 100_000);
  }
});
