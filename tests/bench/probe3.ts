import { readdirSync, readFileSync } from 'node:fs';
import { openSite } from '../browser/site.ts';
const gpus = () => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => { try { return readFileSync(`/proc/${p}/cmdline`, 'utf8').includes('--type=gpu-process'); } catch { return false; } });
const before = new Set(gpus());
const site = await openSite('software');
const page = await site.page();
const cpu = () => gpus().filter((p) => !before.has(p)).map((p) => { const f = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1]!.split(' '); return (Number(f[11]) + Number(f[12])) * 10; });
const c0 = cpu();
await page.evaluate(async () => {
  const { loadWasm, loadWeights, pixels } = await import('page/features.js');
  const { photos } = await import('page/photos.js');
  const wasm = await loadWasm('gpu');
  const e = (await wasm.Embedder.create(await loadWeights(), 'webgpu', 224)) as any;
  const [photo] = await photos('train', 1);
  const { data, width, height } = await pixels(photo!.file);
  Object.assign(window, { go: async (n: number, times: number) => { const s = performance.now(); for (let k = 0; k < times; k++) await e.embed(data, width, height, Array.from({ length: n }, () => ({ index: 0, seed: 0 })), undefined); return Math.round((performance.now() - s) / n / times); } });
});
console.log('create', c0, cpu());
for (let r = 0; r < 3; r++) for (const [n, times] of [[1, 8], [8, 2]] as const) {
  const c = cpu(); const ms = await page.evaluate(([n, t]) => (window as any).go(n, t), [n, times] as const); const d = cpu();
  console.log(`batch ${n}: wall ${ms} ms/image, gpu cpu ${d.map((v, i) => ((v - (c[i] ?? 0)) / n / times).toFixed(0))} ms/image`);
}
await site.close();
