import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RekindleError } from '../src/errors.js';
import { checkCreateOptions, checkLabel, checkPreviewOptions, withoutUndefined } from '../src/options.js';
import type { CreateOptions } from '../src/types.js';

function refused(work: () => unknown): { option?: unknown; expected?: unknown } {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof RekindleError && error.code === 'OPTION_INVALID', String(error));
    return error.details;
  }
  return assert.fail('nothing was thrown');
}

test('defaults fill what is left out or undefined', () => {
  const { backbone, device, seed, inputSize } = checkCreateOptions({ seed: undefined } as object, false);
  assert.deepEqual({ backbone: backbone.kind, device, seed, inputSize }, {
    backbone: 'shipped',
    device: 'auto',
    seed: 0,
    inputSize: undefined,
  });
  assert.equal(checkPreviewOptions({}).views, 8);
});

test('a misspelt option is named, with the right names', () => {
  const { option, expected } = refused(() => checkCreateOptions({ devcie: 'cpu' } as CreateOptions, false));
  assert.equal(option, 'devcie');
  assert.match(String(expected), /device/);
  assert.equal(refused(() => checkCreateOptions({ toString: 1 } as unknown as CreateOptions, false)).option, 'toString');
});

for (const [name, value] of Object.entries({
  backbone: 'resnet',
  device: 'gpu',
  seed: 0.5,
  inputSize: 7,
  sha256: 'abc',
  baseUrl: 7,
  cache: 'no',
  spec: null,
  classifier: 7,
  weights: 7,
  onProgress: 'yes',
  signal: {},
})) {
  test(`create refuses ${name}: ${JSON.stringify(value)}`, () => {
    assert.equal(refused(() => checkCreateOptions({ [name]: value }, false)).option, name);
  });
}

test('preview refuses views out of range', () => {
  assert.equal(refused(() => checkPreviewOptions({ views: 0 })).option, 'views');
  assert.equal(refused(() => checkPreviewOptions({ views: 101 })).option, 'views');
});

test('labels lose white space at their ends and are composed', () => {
  assert.equal(checkLabel('  cat\n'), 'cat');
  assert.equal(checkLabel('e\u0301'), '\u00e9');
  assert.equal(refused(() => checkLabel(' \t')).option, 'label');
  assert.equal(refused(() => checkLabel(7 as unknown as string, 'to')).option, 'to');
});

test('undefined options count as left out', () => {
  assert.deepEqual(Object.keys(withoutUndefined({ a: undefined, b: null, c: 0 })), ['b', 'c']);
});
