import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchKernels, type KernelFiles, useKernels } from '../src/kernels.js';

/** The smallest module: a magic number and a version. */
const EMPTY = { url: new URL('data:application/wasm;base64,AGFzbQEAAAA='), integrity: '' };
const BROKEN = { url: new URL('data:application/wasm;base64,AGFz'), integrity: '' };
const OTHER = { ...EMPTY, integrity: 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' };
const NOWHERE = { url: new URL('http://127.0.0.1:9/'), integrity: '' };

for (const simd of ['relaxed', 'plain'] as const) {
  test(`a browser ${simd === 'relaxed' ? 'with' : 'without'} relaxed SIMD gets the ${simd} kernels, and says so`, async (t) => {
    t.mock.method(WebAssembly, 'validate', () => simd === 'relaxed');
    const files: KernelFiles = { relaxed: NOWHERE, plain: NOWHERE, [simd]: EMPTY };
    const kernels = await fetchKernels(files);
    const given: WebAssembly.Module[] = [];
    const host = { useKernels: async (module: WebAssembly.Module) => void given.push(module) };
    assert.equal((await useKernels(host, kernels))?.simd, simd);
    assert.deepEqual(given, [kernels?.module]);
  });
}

test('the question whether there is relaxed SIMD is a module that differs from a valid one in one instruction', (t) => {
  let probe = new Uint8Array();
  t.mock.method(WebAssembly, 'validate', (bytes: Uint8Array) => {
    probe = Uint8Array.from(bytes);
    return false;
  });
  return fetchKernels({ relaxed: NOWHERE, plain: NOWHERE }).then(() => {
    t.mock.restoreAll();
    // f32x4.relaxed_madd becomes v128.bitselect, which has the same type and is in SIMD from its first day.
    const at = probe.length - 4;
    assert.deepEqual([...probe.subarray(at)], [0xfd, 0x85, 0x02, 0x0b]);
    const old = Uint8Array.of(...probe.subarray(0, at), 0xfd, 0xd2, 0x00, 0x0b);
    assert.equal(WebAssembly.validate(old), true);
  });
});

for (const [name, file] of Object.entries({ broken: BROKEN, 'of another build': OTHER, unreachable: NOWHERE })) {
  test(`a file that is ${name} is done without`, async () => {
    assert.equal(await fetchKernels({ relaxed: file, plain: file }), null);
  });
}

test('kernels that cannot be linked are done without', async () => {
  const kernels = { simd: 'relaxed', module: new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) } as const;
  const host = { useKernels: () => Promise.reject(new WebAssembly.LinkError('no memory')) };
  assert.equal(await useKernels(host, kernels), null);
  assert.equal(await useKernels(host, null), null);
});
