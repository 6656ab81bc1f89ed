import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { download } from '../src/download.js';
import { RekindleError } from '../src/errors.js';
import { type WasmModule, startWasm } from '../src/wasm.js';
import { loadWeights } from '../src/weights.js';
import type { LoadProgress } from '../src/types.js';

const BYTES = new Uint8Array(300_000).map((_, i) => i % 251);
const FILE = { bytes: BYTES.length, sha256: createHash('sha256').update(BYTES).digest('hex') };
const MANIFEST = { f16: FILE, int8: { ...FILE, bytes: BYTES.length + 1 } };

const ANSWERS: Record<string, RequestListener> = {
  '/whole': (_, response) => response.setHeader('content-length', BYTES.length).end(BYTES),
  '/chunked': (_, response) => {
    response.write(BYTES.subarray(0, 1000));
    response.end(BYTES.subarray(1000));
  },
  '/zipped': (_, response) => {
    const zipped = gzipSync(BYTES);
    response.setHeader('content-encoding', 'gzip').setHeader('content-length', zipped.length).end(zipped);
  },
  '/cut': (_, response) => {
    response.setHeader('content-length', BYTES.length).write(BYTES.subarray(0, 1000), () => response.destroy());
  },
  '/short': (_, response) => response.end(BYTES.subarray(0, 1000)),
  '/altered': (_, response) => response.end(BYTES.map((byte, i) => (i === 7 ? 255 : byte))),
  '/page': (_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end('<!doctype html>'),
};

const server = createServer((request, response) => {
  const answer = ANSWERS[request.url ?? ''];
  if (answer) answer(request, response);
  else response.writeHead(404).end();
});
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

async function progressOf(path: string): Promise<[number, number | null][]> {
  const seen: [number, number | null][] = [];
  const bytes = await download(origin + path, (loaded, total) => seen.push([loaded, total]), (response) => response.arrayBuffer());
  assert.deepEqual(new Uint8Array(bytes), BYTES);
  return seen;
}

test('progress rises to the whole file, and the total is the one that the server says', async () => {
  const seen = await progressOf('/whole');
  assert.ok(seen.length > 1, 'one report would be no progress');
  assert.deepEqual(seen.at(-1), [BYTES.length, BYTES.length]);
  assert.ok(seen.every(([loaded], i) => i === 0 || loaded > (seen[i - 1]?.[0] ?? 0)));
});

test('the total is null where it is not known or counts other bytes than those that arrive', async () => {
  assert.deepEqual((await progressOf('/chunked')).at(-1), [BYTES.length, null]);
  assert.deepEqual((await progressOf('/zipped')).at(-1), [BYTES.length, null]);
});

async function shipped(source: string | Blob, onProgress: (progress: LoadProgress) => void = () => {}) {
  const request = { kind: 'shipped', precision: 'f16', source } as const;
  return (await loadWeights(request, MANIFEST, new AbortController().signal, onProgress)).weights.bytes;
}

test('weights arrive whole, from an address and from a file', async () => {
  const seen: LoadProgress[] = [];
  assert.deepEqual(await shipped(`${origin}/whole`, (progress) => seen.push(progress)), BYTES);
  assert.equal(seen.at(-1)?.file, 'weights');
  assert.deepEqual(await shipped(new Blob([BYTES])), BYTES);
});

for (const [path, code, text] of [
  ['/missing', 'WEIGHTS_FETCH', /404/],
  ['/page', 'WEIGHTS_FETCH', /web page/],
  ['/cut', 'WEIGHTS_FETCH', /could not be fetched/],
  ['/short', 'WEIGHTS_FORMAT', /1000 bytes where 300000/],
  ['/altered', 'WEIGHTS_FORMAT', /sha256/],
] as const) {
  test(`weights at ${path} are ${code}`, async () => {
    await assert.rejects(shipped(origin + path), (error) => {
      return error instanceof RekindleError && error.code === code && text.test(error.message);
    });
  });
}

test('weights are WEIGHTS_FETCH when nobody answers, and the message says what to do', async () => {
  await assert.rejects(shipped('http://127.0.0.1:9'), (error) => {
    return error instanceof RekindleError && error.code === 'WEIGHTS_FETCH' && /Check the connection/.test(error.message);
  });
});

test('wasm that does not arrive, or does not compile, is WASM_FAILED', async () => {
  const module = { default: async () => {} } as unknown as WasmModule;
  for (const [path, text] of [['/missing', /404/], ['/page', /web page/], ['/cut', /./], ['/whole', /magic|wasm/i]] as const) {
    const missing = { url: new URL(`${origin}/missing`), integrity: '' };
    const build = { module, url: new URL(origin + path), kernels: { relaxed: missing, plain: missing } };
    await assert.rejects(startWasm(build, () => {}), (error) => {
      return error instanceof RekindleError && error.code === 'WASM_FAILED' && text.test(error.message);
    });
  }
});
