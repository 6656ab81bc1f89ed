/** Every error of the core has its code in the TypeScript union. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

function source(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

test('every variant of the Rust enum has a code, and every code is in the union', () => {
  const rust = source('crate/core/src/error.rs');
  const variants = [...rust.matchAll(/^    ([A-Z]\w+)(?: \{|,$|\()/gm)].map(([, name]) => name);
  const codes = new Map([...rust.matchAll(/Error::(\w+)[^=]*=> "([A-Z_]+)"/g)].map(([, name, code]) => [name, code as string]));
  assert.ok(variants.length > 10, 'the enum was not found');
  assert.deepEqual(variants.filter((name) => !codes.has(name)), [], 'variants without a code');

  const union = new Set([...source('pkg/src/errors.ts').matchAll(/'([A-Z]+(?:_[A-Z]+)*)'/g)].map(([, code]) => code as string));
  assert.deepEqual([...codes.values()].filter((code) => !union.has(code)), [], 'codes that TypeScript does not know');
});
