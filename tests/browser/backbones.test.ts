/** Backbones from elsewhere: real weights of other tools, by hub, address and file; what goes wrong leaves the one in use as it is. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { CreateOptions, Spec } from 'rekindle';
import { Hub, type Repository } from './hub.ts';
import { weightsFile } from './photos.ts';
import { openSite } from './site.ts';

const site = await openSite();
const hub = await Hub.start();
after(async () => {
  await hub.close();
  await site.close();
});

const MOBILENET = weightsFile('mobilenet_v2-b0353104.pth');
const LITE0 = weightsFile('efficientnet-lite0-57934424.pth');

/** As timm writes it, of how the weights were really trained. */
const config = (architecture: string, trained: object) =>
  JSON.stringify({ architecture, num_classes: 1000, pretrained_cfg: { tag: 'test', license: 'bsd-3-clause', ...trained } });
const TORCHVISION = config('mobilenetv2_100', {
  input_size: [3, 224, 224],
  interpolation: 'bilinear',
  crop_pct: 0.875,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});
const LITE_SPEC = {
  arch: 'efficientnet_lite0',
  mean: [127 / 255, 127 / 255, 127 / 255] as [number, number, number],
  std: [128 / 255, 128 / 255, 128 / 255] as [number, number, number],
  interpolation: 'bicubic',
  cropPct: 0.875,
} as const;

/** The package's file as of another tool, which has no checksum, with one number that is none. */
function withInfinity(): Buffer {
  const bytes = Buffer.from(weightsFile('mobilenet_v2.safetensors'));
  bytes.write('another.spec.', bytes.indexOf('rekindle.spec'));
  bytes.writeUInt16LE(0xfc00, bytes.length - 2);
  return bytes;
}

const golden = (path: string) => readFileSync(fileURLToPath(new URL(`../golden/${path}`, import.meta.url)));
const CHECKPOINTS = ['bad_harmful.pth', 'bad_plain_pickle.pth', 'bad_storage_short.pth'];
for (const [path, bytes] of [
  ['/lite0.pth', LITE0],
  ['/lite0.safetensors', weightsFile('efficientnet_lite0.safetensors')],
  ['/squeezenet.safetensors', weightsFile('squeezenet1_1.safetensors')],
  ['/infinite.safetensors', withInfinity()],
  ['/half.pth', MOBILENET.subarray(0, MOBILENET.length / 2)],
  ...CHECKPOINTS.map((name) => [`/${name}`, golden(`checkpoints/${name}`)]),
  ['/panda.png', golden('mobilenet_v2/mammal_03.png')],
] as [string, Buffer][]) {
  site.server.file(path, () => bytes);
}

beforeEach(() => {
  hub.requests = [];
  hub.repositories.clear();
  hub.repositories.set('timm/v2', { files: { 'config.json': TORCHVISION, 'pytorch_model.bin': MOBILENET } });
});

/** The embedding of the panda, or why there is none. */
function embed(page: Page, options: CreateOptions, file?: string, abortAfterMs?: number) {
  return page.evaluate(
    async ({ options, file, abortAfterMs }) => {
      const { Tuner } = await import('rekindle');
      const { outcome } = await import('page/outcome.js');
      const panda = await (await fetch('/panda.png')).blob();
      const blob = file && { backbone: await (await fetch(file)).blob() };
      const signal = abortAfterMs === undefined ? {} : { signal: AbortSignal.timeout(abortAfterMs) };
      return outcome(async () => {
        const tuner = await Tuner.create({ device: 'cpu', workers: 1, ...options, ...blob, ...signal });
        const embedding = Array.from(await tuner.embed(panda));
        await tuner.dispose();
        return { embedding, spec: tuner.spec };
      });
    },
    { options, file, abortAfterMs },
  );
}

async function embedded(page: Page, options: CreateOptions, file?: string) {
  const found = await embed(page, options, file);
  assert.ok(found.ok, JSON.stringify(found));
  return found.value as { embedding: number[]; spec: Spec };
}

function difference(a: number[], b: number[]): number {
  assert.equal(a.length, b.length);
  const scale = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? NaN)))) / scale;
}

describe('weights of other tools', () => {
  let page: Page;
  before(async () => {
    page = await site.page();
  });
  after(() => page.context().close());

  test('a repository of the hub gives what the package gives, and is fetched once', async () => {
    const own = await embedded(page, {});
    const options = { backbone: 'hf:timm/v2', baseUrl: hub.origin };
    const first = await embedded(page, options);
    // The package's weights are rounded to half precision.
    assert.ok(difference(own.embedding, first.embedding) < 3e-2);
    const { arch, tag, source, license, sha256 } = first.spec;
    assert.deepEqual([arch, tag, source, license], ['mobilenetv2_100', 'test', 'hf:timm/v2', 'bsd-3-clause']);
    assert.equal(sha256, 'b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889');
    hub.requests = [];
    assert.deepEqual(await embedded(page, options), first);
    assert.deepEqual(hub.requests, [], 'it was kept');
  });

  test('an address, a file and a converted file give the same', async () => {
    const options = { spec: LITE_SPEC };
    const address = await embedded(page, { ...options, backbone: `${site.server.origin}/lite0.pth` });
    assert.equal(address.embedding.length, 1280);
    const file = await embedded(page, options, '/lite0.pth');
    assert.deepEqual(file.embedding, address.embedding);
    const converted = await embedded(page, {}, '/lite0.safetensors');
    assert.ok(difference(converted.embedding, file.embedding) < 3e-2);
    assert.deepEqual(await embedded(page, { backbone: 'efficientnet_lite0', weights: '/lite0.safetensors' }), converted);
  });

  test('a body that is cut off goes on from there, also in the next page', async () => {
    hub.repositories.set('timm/cut', { files: { 'config.json': TORCHVISION, 'pytorch_model.bin': MOBILENET }, cuts: [6_000_000, 0, 0, 0] });
    const options = { backbone: 'hf:timm/cut', baseUrl: hub.origin };
    const cut = await embed(page, options);
    assert.ok(!cut.ok && cut.code === 'WEIGHTS_FETCH', JSON.stringify(cut));
    hub.requests = [];
    await embedded(page, options);
    assert.match(hub.requests.at(-1) ?? '', / [1-9]\d{6}$/, 'it was not fetched from its beginning');
  });
});

test('a head learns on another backbone, is saved, and opens again', async () => {
  const page = await site.page();
  const { accuracy, before, refused, same } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    const { byLabel, photos } = await import('page/photos.js');
    const backbone = await (await fetch('/squeezenet.safetensors')).blob();
    const tuner = await Tuner.create({ device: 'cpu', backbone, inputSize: 128 });
    for (const [label, files] of byLabel(await photos('train', 6))) await tuner.addExamples(label, files);
    await tuner.train({ views: 2, strategy: 'partial', tune: { epochs: 1, lastStages: 1 } }).report;
    const test = await photos('test', 4);
    const { accuracy } = await tuner.evaluate(test.map(({ file, label }) => ({ image: file, label })));
    const [image] = test.map(({ file }) => file);
    if (!image) throw new Error('no photo');
    const before = await tuner.predict(image);
    const saved = await tuner.save();
    await tuner.dispose();
    const refused = await outcome(() => Tuner.open(saved));
    const opened = await Tuner.open(saved, { backbone });
    const same = await opened.predict(image);
    await opened.dispose();
    return { accuracy, before, refused, same };
  });
  // Chance is 1/6.
  assert.ok(accuracy > 0.5, String(accuracy));
  assert.deepEqual(same, before);
  assert.ok(!refused.ok && refused.code === 'OPTION_INVALID', 'it guessed a backbone that came from a file');
  assert.match(refused.message, /squeezenet1_1/);
  await page.context().close();
});

test('a project that was made with a repository finds it again', async () => {
  const page = await site.page();
  const same = await page.evaluate(async (baseUrl) => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', backbone: 'hf:timm/v2', baseUrl, inputSize: 64 });
    for (const [label, files] of byLabel(await photos('train', 3))) await tuner.addExamples(label, files);
    await tuner.train({ views: 1 }).report;
    const [photo] = await photos('test', 1);
    if (!photo) throw new Error('no photo');
    const before = await tuner.predict(photo.file);
    const saved = await tuner.save();
    await tuner.dispose();
    const opened = await Tuner.open(saved, { device: 'cpu', baseUrl });
    const after = await opened.predict(photo.file);
    await opened.dispose();
    return JSON.stringify(before) === JSON.stringify(after);
  }, hub.origin);
  assert.ok(same);
  await page.context().close();
});

test('int8 weights give nearly the same embedding, and a project keeps to the precision that it was made with', async () => {
  const page = await site.page();
  const [f16, int8] = [await embedded(page, {}), await embedded(page, { precision: 'int8' })];
  const moved = difference(int8.embedding, f16.embedding);
  assert.ok(moved > 1e-4 && moved < 0.15, String(moved));
  assert.deepEqual({ ...int8.spec, precision: undefined }, { ...f16.spec, precision: undefined });
  const { fetched, same, other } = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', workers: 1, precision: 'int8', inputSize: 64 });
    for (const [label, files] of byLabel(await photos('train', 3))) await tuner.addExamples(label, files);
    await tuner.train({ views: 1 }).report;
    const [photo] = await photos('test', 1);
    if (!photo) throw new Error('no photo');
    const before = await tuner.predict(photo.file);
    const classes = await tuner.classifyPretrained(photo.file);
    const saved = await tuner.save();
    await tuner.dispose();
    const bytes: (number | null)[] = [];
    const onProgress = ({ file, totalBytes }: { file: string; totalBytes: number | null }) => file === 'weights' && bytes.push(totalBytes);
    const opened = await Tuner.open(saved, { device: 'cpu', workers: 1, onProgress });
    const after = await opened.predict(photo.file);
    await opened.dispose();
    const other = await outcome(() => Tuner.open(saved, { device: 'cpu', workers: 1, precision: 'f16' }));
    return { fetched: bytes.at(-1), same: classes.length === 5 && JSON.stringify(before) === JSON.stringify(after), other };
  });
  assert.ok(same);
  assert.equal(fetched, weightsFile('mobilenet_v2.int8.safetensors').length);
  assert.ok(!other.ok && other.code === 'PROJECT_FORMAT', JSON.stringify(other));
  await page.context().close();
});

test('the summary has every stage, and says which are frozen', async () => {
  const page = await site.page();
  const [before, after] = await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', inputSize: 96 });
    const before = await tuner.summary();
    for (const [label, files] of byLabel(await photos('train', 3))) await tuner.addExamples(label, files);
    // Nothing is held out, so that what was fine-tuned is kept.
    await tuner.train({ strategy: 'partial', views: 1, validation: 0, tune: { epochs: 1 } }).report;
    const after = await tuner.summary();
    await tuner.dispose();
    return [before, after];
  });
  assert.equal(before.stages.length, 19);
  assert.equal(before.parameters, 2_223_872);
  assert.deepEqual(before.stages.map(({ side }) => side).slice(0, 5), [48, 48, 24, 24, 12]);
  assert.ok(before.stages.every(({ frozen }) => frozen));
  assert.deepEqual(after.stages.flatMap(({ frozen }, index) => (frozen ? [] : [index])), [17, 18]);
  await page.context().close();
});

test('the pretrained classifier names what it was trained on', async () => {
  const page = await site.page();
  const { named, lite0, refused, mismatch, own } = await page.evaluate(async (spec) => {
    const { Tuner } = await import('rekindle');
    const { outcome } = await import('page/outcome.js');
    const panda = await (await fetch('/panda.png')).blob();
    const tuner = await Tuner.create({ device: 'cpu', workers: 1 });
    const named = await tuner.classifyPretrained(panda, { top: 3 });
    await tuner.dispose();
    // The original file has its classifier beside the backbone; the converted one has not.
    const whole = await Tuner.create({ device: 'cpu', workers: 1, backbone: await (await fetch('/lite0.pth')).blob(), spec });
    const own = await whole.classifyPretrained(panda, { top: 2 });
    await whole.dispose();
    const backbone = await (await fetch('/lite0.safetensors')).blob();
    const other = await Tuner.create({ device: 'cpu', workers: 1, backbone });
    const refused = await outcome(() => other.classifyPretrained(panda));
    await other.dispose();
    const wrong = await Tuner.create({ device: 'cpu', workers: 1, backbone, classifier: '/rekindle/weights/mobilenet_v2.classifier.safetensors' });
    const mismatch = await outcome(() => wrong.classifyPretrained(panda));
    const lite0 = (await wrong.embed(panda)).length;
    await wrong.dispose();
    return { named, lite0, refused, mismatch, own };
  }, LITE_SPEC);
  assert.deepEqual([own.length, own[0]?.label], [2, 'lesser panda']);
  assert.equal(named.length, 3);
  assert.match(named[0]?.label ?? '', /panda/);
  assert.ok((named[0]?.probability ?? 0) > (named[1]?.probability ?? 1));
  assert.ok(!refused.ok && refused.code === 'OPTION_INVALID');
  assert.ok(!mismatch.ok && mismatch.code === 'WEIGHTS_MISMATCH', JSON.stringify(mismatch));
  assert.equal(lite0, 1280);
  await page.context().close();
});

describe('what goes wrong has a code, and the backbone in use goes on', () => {
  const at = (name: string) => ({ backbone: `hf:${name}`, baseUrl: hub.origin });
  const files = { 'config.json': TORCHVISION, 'pytorch_model.bin': MOBILENET };
  const spec = { arch: 'mobilenet_v2' };
  let page: Page;
  before(async () => {
    page = await site.page();
    await page.evaluate(async () => {
      const { Tuner } = await import('rekindle');
      const panda = await (await fetch('/panda.png')).blob();
      const tuner = await Tuner.create({ device: 'cpu', workers: 1, inputSize: 64 });
      const before = (await tuner.embed(panda)).join();
      Object.assign(globalThis, { goesOn: async () => (await tuner.embed(panda)).join() === before });
    });
  });
  after(() => page.context().close());

  /** What goes wrong, its code, a repository that is served, what is asked for, in which file, and what the message says. */
  type Case = [string, string, Repository | undefined, CreateOptions, string | undefined, RegExp];
  const CASES: Case[] = [
    ['a wrong hash', 'WEIGHTS_FORMAT', { files, sha256: '0'.repeat(64) }, at('timm/0'), undefined, /sha256/],
    ['no repository', 'WEIGHTS_FETCH', undefined, at('timm/none'), undefined, /401/],
    ['a repository without weights', 'WEIGHTS_FETCH', { files: { 'config.json': TORCHVISION } }, at('timm/2'), undefined, /model\.safetensors/],
    ['a server that refuses other sites', 'WEIGHTS_FETCH', { files, closed: true }, at('timm/3'), undefined, /other sites/],
    ['an address that is not there', 'WEIGHTS_FETCH', undefined, { backbone: '/none.pth', spec }, undefined, /404/],
    ['no architecture', 'OPTION_INVALID', undefined, {}, '/lite0.pth', /spec\.arch/],
    ['an unknown architecture', 'WEIGHTS_FORMAT', undefined, { spec: { arch: 'resnet19' } }, '/lite0.pth', /resnet19/],
    ['another architecture', 'WEIGHTS_MISMATCH', undefined, { spec: { arch: 'resnet18' } }, '/lite0.pth', /closest/],
    ['a file that is cut off', 'WEIGHTS_FORMAT', undefined, { spec }, '/half.pth', /PyTorch/],
    ['a weight that is infinite', 'WEIGHTS_FORMAT', undefined, { spec }, '/infinite.safetensors', /not finite/],
    ...CHECKPOINTS.map((name): Case => [name, 'WEIGHTS_FORMAT', undefined, { spec }, `/${name}`, /PyTorch/]),
    ['an input size between the steps', 'OPTION_INVALID', undefined, { inputSize: 100 }, undefined, /multiple of 32/],
  ];
  for (const [index, [name, code, repository, options, file, text]] of CASES.entries()) {
    test(`${name}: ${code}`, async () => {
      // One that was listed before would be known without its server.
      if (repository) hub.repositories.set(`timm/${index}`, repository);
      const found = await embed(page, options, file);
      assert.ok(!found.ok, 'it was created');
      assert.equal(found.code, code, found.message);
      assert.match(found.message, text);
      assert.ok(await page.evaluate('goesOn()'));
    });
  }

  test('a slow server can be given up', async () => {
    hub.repositories.set('timm/slow', { files, slow: 100_000 });
    const found = await embed(page, at('timm/slow'), undefined, 1000);
    assert.ok(!found.ok && found.name === 'TimeoutError', JSON.stringify(found));
    assert.ok(await page.evaluate('goesOn()'));
  });
});
