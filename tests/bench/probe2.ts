import { openSite } from '../browser/site.ts';
const site = await openSite('software');
for (let i = 0; i < 2; i++) {
  const page = await site.page();
  console.log(await page.evaluate(async () => {
    const g = globalThis as any;
    const codes: string[] = [];
    const original = g.GPUDevice.prototype.createShaderModule;
    g.GPUDevice.prototype.createShaderModule = function (d: any) { codes.push(d.code); return original.call(this, d); };
    const log: string[] = [];
    const t0 = performance.now();
    for (const name of ['createShaderModule', 'createComputePipeline', 'pushErrorScope', 'popErrorScope', 'createBindGroup']) {
      const o = g.GPUDevice.prototype[name];
      g.GPUDevice.prototype[name] = function (...a: any[]) { log.push(`${name} ${Math.round(performance.now() - t0)}`); const r = o.apply(this, a); if (name === 'popErrorScope') r.then(() => log.push(`popped ${Math.round(performance.now() - t0)}`)); return r; };
    }
    const ra = g.GPU.prototype.requestAdapter; g.GPU.prototype.requestAdapter = function (...a: any[]) { log.push(`adapter ${Math.round(performance.now() - t0)}`); return ra.apply(this, a); };
    const m = g.GPUBuffer.prototype.mapAsync; g.GPUBuffer.prototype.mapAsync = function (...a: any[]) { log.push(`map ${Math.round(performance.now() - t0)}`); const r = m.apply(this, a); r.then(() => log.push(`mapped ${Math.round(performance.now() - t0)}`)); return r; };
    const s = g.GPUQueue.prototype.submit; g.GPUQueue.prototype.submit = function (...a: any[]) { log.push(`submit ${Math.round(performance.now() - t0)}`); return s.apply(this, a); };
    const { loadWasm, loadWeights } = await import('page/features.js');
    const weights = await loadWeights();
    const wasm = await loadWasm('gpu');
    log.push(`create ${Math.round(performance.now() - t0)}`);
    await wasm.Embedder.create(weights, 'webgpu', 224);
    log.push(`created ${Math.round(performance.now() - t0)}`);
    const a = await g.navigator.gpu.requestAdapter(); const d = await a.requestDevice();
    const out: string[] = [];
    for (const code of [...codes]) {
      const t = performance.now();
      const module = original.call(d, { code: code + `\n// ${Math.random()}\nconst UNIQUE = ${Math.random()};` });
      await d.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
      out.push(`${Math.round(performance.now() - t)} ms: ${code.length} ${code.split('\n').slice(0, 4).filter((l: string) => l.startsWith('const')).join(' ')}`);
    }
    return [...log, ...out].join('\n');
  }));
}
await site.close();
