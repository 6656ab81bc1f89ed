/** Every architecture, exported with made-up weights and heads, in a runtime that is not ours. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-web';
import { BACKBONES } from '../../pkg/src/catalogue.ts';

interface Expected {
  side: number;
  images: number[];
  embedding: number[];
  probabilities: number[];
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'rekindle-onnx-'));
after(() => rmSync(folder, { recursive: true }));

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

function exportMadeUp(...args: string[]): string {
  const cargo = ['run', '--quiet', '--package', 'rekindle', '--example', 'export_made_up', '--', ...args];
  return execFileSync('cargo', cargo, { cwd: ROOT, encoding: 'utf8' });
}

/** The largest difference. */
function difference(found: ort.Tensor | undefined, expected: number[], scale: number): number {
  assert.equal(found?.size, expected.length);
  const values = found?.data as Float32Array;
  return Math.max(...expected.map((value, index) => Math.abs(value - (values[index] ?? NaN)) / scale));
}

const architectures = exportMadeUp().trim().split('\n');

test('they are those of the catalogue', () => assert.deepEqual(architectures, BACKBONES.map(({ name }) => name)));

for (const arch of architectures) {
  test(`${arch} gives the same in onnxruntime`, async (t) => {
    exportMadeUp(folder, arch);
    const files = ['onnx', 'json'].map((kind) => path.join(folder, `${arch}.${kind}`));
    const [model, json] = files.map((file) => readFileSync(file));
    for (const file of files) rmSync(file);
    const expected = JSON.parse(String(json)) as Expected;
    const session = await ort.InferenceSession.create(model as Uint8Array);
    const image = new ort.Tensor('uint8', Uint8Array.from(expected.images), [2, expected.side, expected.side, 3]);
    const { embedding, probabilities } = await session.run({ image });
    await session.release();
    const scale = Math.max(...expected.embedding.map(Math.abs));
    const errors = [difference(embedding, expected.embedding, scale), difference(probabilities, expected.probabilities, 1)];
    t.diagnostic(`embedding ${errors[0]?.toExponential(0)} of its scale, probabilities ${errors[1]?.toExponential(0)}`);
    assert(errors.every((error) => error < 1e-4), `${errors}`);
    assert(Math.max(...expected.probabilities) < 0.99, 'certain probabilities would hide differences');
  });
}
