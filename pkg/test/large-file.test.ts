import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { RekindleError } from '../src/errors.js';
import { Unreachable } from '../src/download.js';
import { fetchLarge } from '../src/large-file.js';
import { Store } from '../src/store.js';
import type { LoadProgress } from '../src/types.js';
import { loadWeights } from '../src/weights.js';

const BYTES = new Uint8Array(10_000_000).map((_, i) => (i * 7) % 251);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const CONFIG = '{ "architecture": "resnet18" }';
const NEVER = new AbortController().signal;

/** Cache Storage as the library uses it. */
class FakeCache {
  readonly entries = new Map<string, Response>();
  match = async (url: string) => this.entries.get(url)?.clone();
  put = async (url: string, response: Response) => void this.entries.set(url, response);
  delete = async (url: string) => this.entries.delete(url);
}

let cache = new FakeCache();
/** Ranges that were asked for, by path. */
let asked: string[] = [];
/** After how many bytes each next answer is cut off. */
let cuts: number[] = [];
let modified = 'Tue, 24 Nov 2026 00:00:00 GMT';
let hasLists = true;

function file(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  asked.push(`${request.method} ${request.url} ${start}`);
  response.setHeader('last-modified', modified).setHeader('content-length', bytes.length - start);
  if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
  if (request.method === 'HEAD') return void response.end();
  const cut = cuts.shift();
  if (cut === undefined) return void response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, start + cut), () => response.destroy());
}

const LISTING = {
  sha: 'c0ffee',
  siblings: [{ rfilename: 'config.json' }, { rfilename: 'pytorch_model.bin' }, { rfilename: 'model.safetensors', lfs: { sha256: SHA256 } }],
};

const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (path === '/api/models/timm/a/revision/main?blobs=true' && hasLists) return void response.end(JSON.stringify(LISTING));
  if (/^\/timm\/a\/resolve\/(c0ffee|main)\/config\.json$/.test(path)) return void response.end(CONFIG);
  if (/^\/timm\/a\/resolve\/(c0ffee|main)\/model\.safetensors$/.test(path) || path === '/file.pth') return file(request, response, BYTES);
  if (path === '/other.pth') return file(request, response, BYTES.subarray(1));
  response.writeHead(404).end();
});
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(globalThis, { caches: { open: async () => cache } });
});
after(() => {
  server.closeAllConnections();
  server.close();
  Reflect.deleteProperty(globalThis, 'caches');
});
beforeEach(() => {
  [cache, asked, cuts, modified, hasLists] = [new FakeCache(), [], [], 'Tue, 24 Nov 2026 00:00:00 GMT', true];
});

const read = async (path: string, signal = NEVER) => {
  return (await fetchLarge(origin + path, await Store.open(true), signal, () => {})).bytes;
};

test('a file that is cut off goes on from where it was', async () => {
  cuts = [3_000_000, 5_000_000];
  assert.deepEqual(await read('/file.pth'), BYTES);
  assert.equal(asked.length, 3);
  assert.equal(asked[0], 'GET /file.pth 0');
  const starts = asked.map((line) => Number(line.split(' ')[2]));
  assert.ok(starts[1] !== undefined && starts[1] > 0 && starts[2] !== undefined && starts[2] > starts[1], asked.join());
  assert.equal(cache.entries.size, 0, 'no part is left');
});

test('what arrived before is kept for a later call, unless the file has changed', async () => {
  cuts = [6_000_000, 0, 0, 0];
  await assert.rejects(read('/file.pth'));
  assert.equal(cache.entries.size, 1, 'one part of 4 MiB');
  asked = [];
  assert.deepEqual(await read('/file.pth'), BYTES);
  assert.ok(Number(asked[0]?.split(' ')[2]) >= 4 << 20, asked[0]);

  [cuts, cache] = [[6_000_000, 0, 0, 0], new FakeCache()];
  await assert.rejects(read('/file.pth'));
  modified = 'Wed, 25 Nov 2026 00:00:00 GMT';
  asked = [];
  assert.deepEqual(await read('/file.pth'), BYTES);
  assert.equal(asked.at(-1), 'GET /file.pth 0', 'it begins anew');
});

test('a file that brings nothing more is given up', async () => {
  cuts = [1000, 0, 0, 0, 0, 0];
  await assert.rejects(read('/file.pth'));
  assert.equal(asked.length, 4);
  await assert.rejects(read('/nothing.pth'), (error) => error instanceof Unreachable && error.status === 404);
});

test('an abort ends it with its reason', async () => {
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(read('/file.pth', controller.signal), { name: 'AbortError' });
});

const hub = () => ({ kind: 'hub', base: origin, repository: 'timm/a', revision: 'main', description: {}, cache: true }) as const;
const NONE = { bytes: 0, sha256: '' };
const load = (request: Parameters<typeof loadWeights>[0]) => loadWeights(request, { f16: NONE, int8: NONE }, NEVER, () => {});

test('a repository gives its safest file with its config, of one commit', async () => {
  const { weights, keep } = await load(hub());
  assert.deepEqual(weights.bytes, BYTES);
  assert.equal(weights.config, CONFIG);
  assert.deepEqual(weights.description, { source: 'hf:timm/a' });
  assert.deepEqual(asked, ['GET /timm/a/resolve/c0ffee/model.safetensors 0']);
  await keep();
  asked = [];
  assert.deepEqual((await load(hub())).weights.bytes, BYTES);
  assert.deepEqual(asked, [], 'it was kept');
});

test('a mirror without lists is asked by the names', async () => {
  hasLists = false;
  const { weights } = await load(hub());
  assert.deepEqual(weights.bytes, BYTES);
  assert.deepEqual(asked, ['HEAD /timm/a/resolve/main/model.safetensors 0', 'GET /timm/a/resolve/main/model.safetensors 0']);
});

const failsWith = (code: string, text: RegExp) => (error: unknown) => {
  return error instanceof RekindleError && error.code === code && text.test(error.message);
};

test('a repository that is not there is WEIGHTS_FETCH', async () => {
  await assert.rejects(load({ ...hub(), repository: 'timm/b' }), failsWith('WEIGHTS_FETCH', /404/));
});

test('a file with another hash is WEIGHTS_FORMAT, and is not kept', async () => {
  const request = { kind: 'file', source: `${origin}/other.pth`, description: {}, sha256: SHA256, cache: true } as const;
  await assert.rejects(load(request), failsWith('WEIGHTS_FORMAT', /sha256/));
  assert.equal(cache.entries.size, 0);
  await assert.rejects(load({ ...request, source: new Blob(['x']) }), failsWith('WEIGHTS_FORMAT', /sha256/));
});

test('the first digits of a hash are enough to know a file by', async () => {
  const request = { kind: 'file', source: `${origin}/file.pth`, description: {}, sha256: SHA256.slice(0, 8), cache: true } as const;
  await (await load(request)).keep();
  asked = [];
  await load(request);
  assert.deepEqual(asked, [], 'it was kept, and is the right one');
  const wrong = { ...request, source: `${origin}/other.pth` };
  await assert.rejects(load(wrong), failsWith('WEIGHTS_FORMAT', /sha256/));
});

/** Bytes so far and in all, of each report. */
function checkProgress(seen: [number, number | null][], from: number): void {
  assert.ok(seen.length > 1, 'one report would be no progress');
  assert.ok(seen.every(([loaded, total], index) => total === BYTES.length && loaded > (seen[index - 1]?.[0] ?? from)), seen.join(' '));
  assert.deepEqual(seen.at(-1), [BYTES.length, BYTES.length]);
}

test('progress rises to the whole file, also over cuts and in a later call that goes on', async () => {
  const seen: [number, number | null][] = [];
  const fetchIt = async () => {
    return (await fetchLarge(`${origin}/file.pth`, await Store.open(true), NEVER, (...bytes) => seen.push(bytes))).bytes;
  };
  cuts = [3_000_000, 5_000_000];
  assert.deepEqual(await fetchIt(), BYTES);
  checkProgress(seen, 0);

  [cuts, cache] = [[6_000_000, 0, 0, 0], new FakeCache()];
  await assert.rejects(fetchIt());
  seen.length = 0;
  assert.deepEqual(await fetchIt(), BYTES);
  checkProgress(seen, 4 << 20);
});

test('progress of a repository is that of its weights, and a kept file is there at once', async () => {
  const seen: LoadProgress[] = [];
  const again = () => loadWeights(hub(), { f16: NONE, int8: NONE }, NEVER, (progress) => seen.push(progress));
  cuts = [3_000_000];
  await (await again()).keep();
  assert.ok(seen.every(({ file }) => file === 'weights'));
  checkProgress(seen.map(({ loadedBytes, totalBytes }) => [loadedBytes, totalBytes]), 0);
  seen.length = 0;
  await again();
  assert.deepEqual(seen, [{ file: 'weights', loadedBytes: BYTES.length, totalBytes: BYTES.length }]);
});

test('a kept file without a known hash is taken while its address has the same', async () => {
  const request = { kind: 'file', source: `${origin}/file.pth`, description: { arch: 'resnet18' }, sha256: null, cache: true } as const;
  await (await load(request)).keep();
  asked = [];
  const { weights } = await load(request);
  assert.deepEqual(weights.description, { source: request.source, arch: 'resnet18' });
  assert.deepEqual(asked, ['HEAD /file.pth 0']);
  modified = 'Wed, 25 Nov 2026 00:00:00 GMT';
  asked = [];
  await load(request);
  assert.deepEqual(asked, ['HEAD /file.pth 0', 'GET /file.pth 0']);
});

test('nothing is kept where that is not wanted', async () => {
  await (await load({ ...hub(), cache: false })).keep();
  assert.equal(cache.entries.size, 0);
});
