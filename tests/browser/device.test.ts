/** Which device is taken, what is said about it, and that only its wasm build is fetched. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openSite, type Site } from './site.ts';

/** Creates a Tuner and gives its device, or how that failed, with the wasm files that were fetched. */
async function create(site: Site, device: 'auto' | 'cpu' | 'webgpu') {
  const page = await site.page();
  const before = site.server.requests.length;
  const outcome = await page.evaluate(async (device) => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    return outcome(async () => {
      const tuner = await Tuner.create({ device, inputSize: 64 });
      const info = tuner.device;
      await tuner.dispose();
      return info;
    });
  }, device);
  await page.context().close();
  const builds = site.server.requests.slice(before).flatMap((path) => /wasm\/(\w+)\/\w+\.wasm$/.exec(path)?.[1] ?? []);
  return { outcome, builds };
}

function info(outcome: Awaited<ReturnType<typeof create>>['outcome']) {
  assert.ok(outcome.ok, `creating failed: ${JSON.stringify(outcome)}`);
  return outcome.value as { kind: string; adapter: string | null; software: boolean; reason: string };
}

describe('without an adapter', async () => {
  const site = await openSite('none');
  after(() => site.close());

  test('auto takes the CPU, says why, and fetches the small build only', async () => {
    const { outcome, builds } = await create(site, 'auto');
    const device = info(outcome);
    assert.equal(device.kind, 'cpu');
    assert.equal(device.adapter, null);
    assert.match(device.reason, /adapter|WebGPU/i);
    assert.deepEqual(builds, ['cpu']);
  });

  test('cpu says that it was asked for', async () => {
    const { outcome, builds } = await create(site, 'cpu');
    assert.equal(info(outcome).kind, 'cpu');
    assert.ok(info(outcome).reason.length > 0);
    assert.deepEqual(builds, ['cpu']);
  });

  test('webgpu is an error with a code', async () => {
    const { outcome } = await create(site, 'webgpu');
    assert.ok(!outcome.ok, 'WebGPU was given without an adapter');
    assert.equal(outcome.name, 'RekindleError');
    assert.equal(outcome.code, 'WEBGPU_UNAVAILABLE');
    assert.match(outcome.message, /cpu/);
  });
});

describe('with the software adapter', async () => {
  const site = await openSite('software');
  after(() => site.close());

  test('auto takes the CPU, names the reason, and fetches the small build only', async () => {
    const { outcome, builds } = await create(site, 'auto');
    assert.equal(info(outcome).kind, 'cpu');
    assert.match(info(outcome).reason, /software|emulate|fallback/i);
    assert.deepEqual(builds, ['cpu']);
  });

  test('webgpu takes it, says that it is software, and fetches the WebGPU build only', async () => {
    const { outcome, builds } = await create(site, 'webgpu');
    const device = info(outcome);
    assert.equal(device.kind, 'webgpu');
    assert.equal(device.software, true);
    assert.match(device.adapter ?? '', /swiftshader/i);
    assert.deepEqual(builds, ['gpu']);
  });
});
