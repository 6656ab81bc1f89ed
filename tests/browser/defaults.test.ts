/** The defaults that the package publishes are the ones that the core uses. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test('the published defaults of training are those of the core', async () => {
  const page = await site.page();
  const { core, published } = await page.evaluate(async () => {
    const rekindle = await import('rekindle');
    const wasm = (await import('/rekindle/dist/wasm/cpu/rekindle.js' as string)) as {
      default(input: { module_or_path: Promise<Response> }): Promise<unknown>;
      defaultTrainOptions(): unknown;
    };
    await wasm.default({ module_or_path: fetch('/rekindle/dist/wasm/cpu/rekindle_bg.wasm') });
    return { core: wasm.defaultTrainOptions(), published: rekindle.DEFAULT_TRAIN_OPTIONS };
  });
  assert.deepEqual(published, core);
});
