import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backboneRequest, classifierSource } from '../src/backbone.js';
import { BACKBONES } from '../src/catalogue.js';
import { DEFAULT_SPEEDS } from '../src/defaults.js';
import { RekindleError } from '../src/errors.js';
import { backboneOf } from '../src/origin.js';
import { Tuner } from '../src/tuner.js';
import type { CreateOptions, Spec } from '../src/types.js';

const SPEC: Spec = {
  arch: 'resnet18', tag: 'unknown', inputSize: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bilinear', cropPct: 0.875,
  license: 'unknown', source: 'unknown', sha256: '0'.repeat(64),
};
const request = (options: CreateOptions) => backboneRequest(options, false);

function refused(work: () => unknown): RekindleError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof RekindleError && error.code === 'OPTION_INVALID', String(error));
    return error;
  }
  return assert.fail('nothing was thrown');
}

test('the default is the file in the package, or a copy elsewhere', () => {
  const { kind, source } = request({}) as { kind: string; source: string };
  assert.equal(kind, 'shipped');
  assert.match(source, /weights\/mobilenet_v2\.safetensors$/);
  const copy = new Blob();
  assert.deepEqual(request({ backbone: 'mobilenet_v2', weights: copy }), { kind: 'shipped', precision: 'f16', source: copy });
});

test('the file in the package is taken in either precision, which no other backbone has', () => {
  const { precision, source } = request({ precision: 'int8' }) as { precision: string; source: string };
  assert.equal(precision, 'int8');
  assert.match(source, /weights\/mobilenet_v2\.int8\.safetensors$/);
  const copy = new Blob();
  assert.deepEqual(request({ weights: copy, precision: 'int8' }), { kind: 'shipped', precision: 'int8', source: copy });
  assert.equal(backboneRequest({ precision: 'int8' }, true).kind, 'shipped');
  assert.match(refused(() => request({ backbone: 'hf:timm/resnet18.tv_in1k', precision: 'f16' })).message, /precision/);
});

test('a repository of the hub, its revision and a mirror are understood', () => {
  const found = request({ backbone: 'hf:timm/resnet18.tv_in1k@refs/pr/1', baseUrl: 'https://mirror.example/hub/' });
  assert.deepEqual(found, {
    kind: 'hub',
    base: 'https://mirror.example/hub',
    repository: 'timm/resnet18.tv_in1k',
    revision: 'refs/pr/1',
    description: {},
    cache: true,
  });
});

test('every name in the catalogue is understood, by both of its names', () => {
  assert.ok(BACKBONES.length > 30);
  for (const { name, alias, hub, address } of BACKBONES) {
    for (const backbone of alias === null ? [name] : [name, alias]) {
      if (backbone === 'mobilenet_v2') continue;
      if (!hub && !address) {
        assert.match(refused(() => request({ backbone })).message, /weights/);
        continue;
      }
      const found = request({ backbone });
      if (hub) assert.deepEqual([found.kind, 'repository' in found && found.repository], ['hub', hub]);
      else assert.deepEqual('description' in found && found.description, { arch: name });
    }
  }
});

test('addresses and files are taken with what is said of them', () => {
  const spec = { arch: 'resnet18' };
  const file = new Blob();
  const common = { kind: 'file', description: spec, sha256: null, cache: true };
  assert.deepEqual(request({ backbone: 'https://example.org/r.pth', spec }), { ...common, source: 'https://example.org/r.pth' });
  assert.deepEqual(request({ backbone: new URL('https://example.org/r.pth'), spec }), { ...common, source: 'https://example.org/r.pth' });
  assert.deepEqual(request({ backbone: file, spec, cache: false }), { ...common, source: file, cache: false });
  const named = { ...common, description: { arch: 'resnet18', cropPct: 1 }, source: file };
  assert.deepEqual(request({ backbone: 'resnet18', weights: file, spec: { cropPct: 1 } }), named);
});

test('what is neither is refused', () => {
  for (const backbone of ['resnet19', 'hf:timm', 'hf:a/b/c', 'hf:']) {
    assert.match(refused(() => request({ backbone })).message, /Tuner\.backbones/, backbone);
  }
  refused(() => request({ backbone: 'https://[' }));
  refused(() => request({ baseUrl: 'nowhere' }));
});

test('a project knows its backbone, unless that came from a file', () => {
  assert.deepEqual(backboneRequest({}, true), { kind: 'project', base: 'https://huggingface.co', cache: true });
  const from = (source: string, arch = 'resnet18') => backboneOf({ ...SPEC, source, arch }, 'https://hub.example', true);
  const own = { source: 'https://download.pytorch.org/models/mobilenet_v2-b0353104.pth', arch: 'mobilenet_v2' };
  const rounded = backboneOf({ ...SPEC, ...own, precision: 'int8' }, 'https://hub.example', true);
  assert.ok(rounded.kind === 'shipped' && rounded.precision === 'int8' && /int8/.test(String(rounded.source)));
  assert.equal(from('hf:timm/resnet18.tv_in1k').kind, 'hub');
  assert.equal(from(own.source, own.arch).kind, 'shipped');
  const second = { source: 'https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth', sha256: '7ebf99e0'.padEnd(64, '1') };
  assert.equal(backboneOf({ ...SPEC, arch: 'mobilenet_v2', ...second }, 'https://hub.example', true).kind, 'file');
  assert.match(refused(() => from('unknown')).message, /resnet18/);
  // Nothing is fetched from where somebody's file says.
  assert.match(refused(() => from('https://example.org/models/r-7be5be79.pth')).message, /example\.org/);
});

test('weights at torchvision\'s address are checked by the hash in their name, and a project finds them again', () => {
  const named = BACKBONES.filter(({ address }) => address !== null);
  assert.deepEqual(named.map(({ name }) => name), ['alexnet', 'squeezenet1_1']);
  for (const { name, address } of named) {
    const made = request({ backbone: name });
    const hash = /-([0-9a-f]{8})\.pth$/.exec(String(address))?.[1];
    assert.ok(hash && made.kind === 'file' && made.sha256 === hash);
    assert.deepEqual(request({ backbone: String(address), spec: { arch: name } }), made, 'by its address it is the same');
    const whole = hash.padEnd(64, '0');
    assert.deepEqual(request({ backbone: name, sha256: whole }), { ...made, sha256: whole }, 'the caller knows better');
    // What the core says of a file of PyTorch: its own hash, and how it was trained.
    const spec = { ...SPEC, arch: name, source: String(address), sha256: whole };
    const { source: _, sha256: __, ...description } = spec;
    assert.deepEqual(backboneOf(spec, 'https://hub.example', false), { ...made, description, sha256: whole, cache: false });
    refused(() => backboneOf({ ...spec, tag: 'unknown.tuned', sha256: '0'.repeat(64) }, 'https://hub.example', false));
  }
  const other = request({ backbone: 'https://example.org/alexnet-owt-7be5be79.pth', spec: { arch: 'alexnet' } });
  assert.ok(other.kind === 'file' && other.sha256 === null, 'elsewhere such a name may mean anything');
});

test('the file of the classifier is known of the backbone in the package alone; others have theirs in their own', () => {
  assert.match(String(classifierSource({})), /mobilenet_v2\.classifier\.safetensors$/);
  assert.equal(classifierSource({ backbone: 'hf:timm/resnet18.tv_in1k' }), null);
  const file = new Blob();
  assert.equal(classifierSource({ backbone: 'resnet18', classifier: file }), file);
});

test('the most accurate backbone within the budget is recommended', () => {
  const cost = (name: string | undefined) => BACKBONES.find((one) => one.name === name);
  const small = Tuner.recommend({ viewMs: 3, downloadMb: 20, speed: 20 });
  assert.ok(small && small.multiplyAdds <= 60e6 && (small.downloadBytes ?? Infinity) <= 20e6);
  const all = Tuner.recommend({ viewMs: 1e9, downloadMb: 1e9 });
  assert.equal(all?.top1, Math.max(...BACKBONES.map(({ top1 }) => top1 ?? 0)));
  assert.equal(Tuner.recommend({ viewMs: 0.001 }), null);
  const usual = cost(Tuner.recommend()?.name);
  for (const better of BACKBONES.filter(({ top1 }) => (top1 ?? 0) > (usual?.top1 ?? 0))) {
    assert.ok(better.multiplyAdds > 800e6 || (better.downloadBytes ?? Infinity) > 50e6, better.name);
  }
  // A faster device, or a device that is said to be so fast, has more in reach.
  for (const viewMs of [2, 5, 20]) {
    const [cpu, gpu] = (['cpu', 'webgpu'] as const).map((device) => Tuner.recommend({ viewMs, device }));
    assert.deepEqual(cpu, Tuner.recommend({ viewMs, speed: DEFAULT_SPEEDS.cpu }));
    assert.deepEqual(gpu, Tuner.recommend({ viewMs, speed: DEFAULT_SPEEDS.webgpu }));
    assert.ok((gpu?.top1 ?? 0) > (cpu?.top1 ?? 0), `${viewMs}`);
    assert.deepEqual(Tuner.recommend({ viewMs, device: 'webgpu', speed: DEFAULT_SPEEDS.cpu }), cpu, 'the speed has the last word');
  }
  assert.deepEqual(Tuner.recommend(), Tuner.recommend({ device: 'cpu' }));
  refused(() => Tuner.recommend({ device: 'auto' } as object));
  refused(() => Tuner.recommend({ viewMs: 0 }));
  refused(() => Tuner.recommend({ ms: 1 } as object));
});
