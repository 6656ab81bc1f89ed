import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionInvalid, RekindleError } from '../src/errors.js';

test('an error of the wasm module keeps its code, message and details', () => {
  const thrown = Object.assign(new Error('option `epochs` is 0'), {
    name: 'RekindleError',
    code: 'OPTION_INVALID',
    details: { option: 'epochs' },
  });
  const error = RekindleError.from(thrown);
  assert.ok(error instanceof RekindleError && error instanceof Error);
  assert.equal(error.code, 'OPTION_INVALID');
  assert.equal(error.message, 'option `epochs` is 0');
  assert.deepEqual(error.details, { option: 'epochs' });
});

test('what is not known becomes INTERNAL, also with a code that is none of ours', () => {
  assert.equal(RekindleError.from(new TypeError('x is not a function')).code, 'INTERNAL');
  assert.equal(RekindleError.from(Object.assign(new Error(), { code: 'ENOENT' })).code, 'INTERNAL');
  assert.match(RekindleError.from('plain text').message, /plain text/);
  assert.equal(RekindleError.from(undefined).code, 'INTERNAL');
});

test('memory that cannot be had becomes OUT_OF_MEMORY', () => {
  assert.equal(RekindleError.from(new RangeError('Array buffer allocation failed')).code, 'OUT_OF_MEMORY');
  assert.equal(RekindleError.from(new RangeError('toFixed() digits out of range')).code, 'INTERNAL');
});

test('an invalid option is told with its name, what was found and what is allowed', () => {
  const { message, details } = optionInvalid('seed', -1, 'a whole number from 0 to 4294967295');
  assert.equal(message, 'option `seed` is -1; it must be a whole number from 0 to 4294967295');
  assert.deepEqual(details, { option: 'seed', found: '-1', expected: 'a whole number from 0 to 4294967295' });
  assert.equal(optionInvalid('augment', [], 'an object').details.found, 'Array');
});
