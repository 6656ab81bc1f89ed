import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Adapter, chooseDevice, type Gpu } from '../src/device.js';
import { RekindleError } from '../src/errors.js';

function gpuWith(adapter: Adapter | null): Gpu {
  return { requestAdapter: async () => adapter };
}

const HARDWARE: Adapter = { info: { vendor: 'nvidia', architecture: 'ampere', isFallbackAdapter: false } };
const SOFTWARE: Record<string, Adapter> = {
  'a fallback adapter': { info: { vendor: 'acme', isFallbackAdapter: true } },
  'a fallback adapter of an older browser': { isFallbackAdapter: true },
  swiftshader: { info: { vendor: 'google', architecture: 'swiftshader' } },
  llvmpipe: { info: { vendor: 'mesa', description: 'llvmpipe (LLVM 19, 256 bits)' } },
};

test('auto takes WebGPU on a hardware adapter and names it', async () => {
  const device = await chooseDevice('auto', gpuWith(HARDWARE));
  assert.deepEqual({ ...device, reason: '' }, { kind: 'webgpu', adapter: 'nvidia ampere', software: false, reason: '' });
  assert.match(device.reason, /nvidia ampere/);
});

for (const [name, adapter] of Object.entries(SOFTWARE)) {
  test(`auto takes the CPU with ${name}; webgpu takes it all the same and says that it is software`, async () => {
    const auto = await chooseDevice('auto', gpuWith(adapter));
    assert.equal(auto.kind, 'cpu');
    assert.match(auto.reason, /emulates/);
    const forced = await chooseDevice('webgpu', gpuWith(adapter));
    assert.equal(forced.kind, 'webgpu');
    assert.equal(forced.software, true);
  });
}

test('without WebGPU auto takes the CPU and says why', async () => {
  assert.match((await chooseDevice('auto', gpuWith(null))).reason, /no WebGPU adapter/);
  // Node has no navigator.gpu, as an older browser.
  assert.match((await chooseDevice('auto')).reason, /has no WebGPU/);
  const failing: Gpu = { requestAdapter: () => Promise.reject(new Error('driver reset')) };
  assert.match((await chooseDevice('auto', failing)).reason, /driver reset/);
});

test('webgpu without an adapter is WEBGPU_UNAVAILABLE', async () => {
  await assert.rejects(chooseDevice('webgpu', gpuWith(null)), (error) => {
    return error instanceof RekindleError && error.code === 'WEBGPU_UNAVAILABLE' && /'cpu'/.test(error.message);
  });
});

test('cpu never asks for an adapter', async () => {
  const gpu: Gpu = { requestAdapter: () => assert.fail('an adapter was asked for') };
  assert.equal((await chooseDevice('cpu', gpu)).kind, 'cpu');
});
