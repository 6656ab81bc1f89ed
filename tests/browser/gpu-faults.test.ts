/** A GPU that fails: its faults are put into the browser's WebGPU in the worker, before the package uses it. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Outcome } from './page/outcome.ts';
import { openSite } from './site.ts';

const site = await openSite('software');
after(() => site.close());

/** A driver whose kernels give other numbers: the mean is of one pixel more than there are. */
const WRONG_NUMBERS = `
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return create.call(this, { ...descriptor, code: descriptor.code.replace('f32(pixels)', 'f32(pixels + 1u)') });
};`;

/** A browser that takes no kernel of ours. */
const REFUSED_KERNELS = `
const create = GPUDevice.prototype.createShaderModule;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  return create.call(this, { ...descriptor, code: descriptor.code + 'no WGSL' });
};`;

/** A driver that compiles nothing, which it tells late. */
const REFUSED_PIPELINES = `
GPUDevice.prototype.createComputePipelineAsync = async function () {
  throw new GPUPipelineError('the driver gave up', { reason: 'internal' });
};`;

/** A browser in which everything else would wait for a pipeline. */
const NONE_AT_ONCE = `
GPUDevice.prototype.createComputePipeline = function () {
  throw new Error('others wait for this');
};`;

/** A device that is gone with the third batch; the first is the self-test. */
const LOST = `
let batches = 0;
let device;
const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  return (device = await request.call(this, descriptor));
};
const submit = GPUQueue.prototype.submit;
GPUQueue.prototype.submit = function (buffers) {
  submit.call(this, buffers);
  if (++batches === 3) device.destroy();
};`;

/** A device that refuses memory for one buffer: the one for which an expression holds. */
const noMemory = (refuses: string) => `
let results = 0;
let refused = false;
const scopes = [];
const { createBuffer, pushErrorScope, popErrorScope } = GPUDevice.prototype;
GPUDevice.prototype.createBuffer = function (descriptor) {
  refused ||= ${refuses};
  return createBuffer.call(this, descriptor);
};
GPUDevice.prototype.pushErrorScope = function (filter) {
  scopes.push(filter);
  pushErrorScope.call(this, filter);
};
GPUDevice.prototype.popErrorScope = async function () {
  const tells = scopes.pop() === 'out-of-memory' && refused;
  if (tells) refused = false;
  const error = await popErrorScope.call(this);
  return tells ? new GPUOutOfMemoryError('the device refuses this buffer') : error;
};`;

/** Creates a Tuner whose worker meets the fault, and embeds a photo three times. */
async function embedThrice(fault: string, device: 'auto' | 'webgpu' = 'webgpu') {
  const mend = site.server.replace(/wasm\/gpu\/rekindle\.js$/, (bytes) => ({
    bytes: Buffer.concat([Buffer.from(`{${fault}\n}\n`), bytes]),
  }));
  const page = await site.page();
  const result = await page.evaluate(async (device) => {
    const { Tuner } = await import('rekindle');
    const { photos } = await import('page/photos.js');
    const { outcome } = await import('page/outcome.js');
    // `auto` tries WebGPU only on what says that it is hardware.
    if (device === 'auto') {
      const info = { vendor: 'maker', architecture: 'hardware', isFallbackAdapter: false };
      Object.assign((navigator as unknown as { gpu: object }).gpu, { requestAdapter: async () => ({ info }) });
    }
    const [photo] = await photos('test', 1);
    if (!photo) throw new Error('there is no photo');
    let info: { kind: string; reason: string } | null = null;
    const embeddings: Outcome[] = [];
    const created = await outcome(async () => {
      const tuner = await Tuner.create({ device, inputSize: 64 });
      info = tuner.device;
      for (let time = 0; time < 3; time++) embeddings.push(await outcome(async () => [...(await tuner.embed(photo.file))]));
      await tuner.dispose();
      return 'created';
    });
    return { created, info: info as { kind: string; reason: string } | null, embeddings };
  }, device);
  await page.context().close();
  mend();
  return result;
}

function assertFails(outcome: Outcome | undefined, code: string): void {
  assert.ok(outcome && !outcome.ok, `no ${code}: ${JSON.stringify(outcome)?.slice(0, 200)}`);
  assert.deepEqual([outcome.name, outcome.code], ['RekindleError', code]);
}

function values(outcome: Outcome | undefined): number[] {
  assert.ok(outcome?.ok, `no embedding: ${JSON.stringify(outcome)}`);
  return outcome.value as number[];
}

test('wrong numbers: DEVICE_WRONG where WebGPU was asked for', async () => {
  assertFails((await embedThrice(WRONG_NUMBERS)).created, 'DEVICE_WRONG');
});

test('wrong numbers: auto goes on with the CPU and says why', async () => {
  const { created, info, embeddings } = await embedThrice(WRONG_NUMBERS, 'auto');
  assert.ok(created.ok, JSON.stringify(created));
  assert.equal(info?.kind, 'cpu');
  assert.match(info?.reason ?? '', /self-test|known|wrong|answer/i);
  assert.ok(values(embeddings[2]).some((value) => value > 0.1));
});

test('without a fault auto stays on such an adapter', async () => {
  const { created, info, embeddings } = await embedThrice('', 'auto');
  assert.ok(created.ok, JSON.stringify(created));
  assert.equal(info?.kind, 'webgpu');
  assert.deepEqual(values(embeddings[2]), values(embeddings[0]));
});

test('refused kernels: WEBGPU_UNAVAILABLE with what the browser says of them', async () => {
  const { created } = await embedThrice(REFUSED_KERNELS);
  assertFails(created, 'WEBGPU_UNAVAILABLE');
});

test('a driver that compiles nothing: WEBGPU_UNAVAILABLE with what it says', async () => {
  const { created } = await embedThrice(REFUSED_PIPELINES);
  assertFails(created, 'WEBGPU_UNAVAILABLE');
  assert.match(JSON.stringify(created), /the driver gave up/);
});

test('nothing waits for a pipeline: all are compiled asynchronously', async () => {
  const { created, embeddings } = await embedThrice(NONE_AT_ONCE);
  assert.ok(created.ok, JSON.stringify(created));
  assert.ok(values(embeddings[0]).some((value) => value > 0.1));
});

test('a device that is lost: DEVICE_LOST from then on, and what was embedded stays', async () => {
  const { created, embeddings } = await embedThrice(LOST);
  assert.ok(created.ok, JSON.stringify(created));
  assert.ok(values(embeddings[0]).some((value) => value > 0.1));
  assertFails(embeddings[1], 'DEVICE_LOST');
  assertFails(embeddings[2], 'DEVICE_LOST');
});

test('no memory for the weights: OUT_OF_MEMORY', async () => {
  assertFails((await embedThrice(noMemory('descriptor.size >= 1e6'))).created, 'OUT_OF_MEMORY');
});

test('no memory for one image: OUT_OF_MEMORY, and the next one is embedded', async () => {
  const { embeddings } = await embedThrice(noMemory('(descriptor.usage & GPUBufferUsage.MAP_READ) && ++results === 3'));
  assertFails(embeddings[1], 'OUT_OF_MEMORY');
  assert.deepEqual(values(embeddings[2]), values(embeddings[0]));
});
