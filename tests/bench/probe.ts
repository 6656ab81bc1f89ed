import { openSite } from '../browser/site.ts';
const site = await openSite('software');
for (let i = 0; i < 2; i++) {
  const page = await site.page();
  console.log(await page.evaluate(async () => {
    const { loadWasm, loadWeights, pixels } = await import('page/features.js');
    const { photos } = await import('page/photos.js');
    const weights = await loadWeights();
    const wasm = await loadWasm('gpu');
    const out: Record<string, number> = {};
    const time = async (name: string, work: () => Promise<unknown>) => { const s = performance.now(); const r = await work(); out[name] = Math.round(performance.now() - s); return r; };
    await time('cpu32', () => wasm.Embedder.create(weights, 'cpu', 32));
    await time('cpu224', () => wasm.Embedder.create(weights, 'cpu', 224));
    await time('adapter', () => (navigator as any).gpu.requestAdapter().then((a: any) => a.requestDevice()));
    await time('gpu32', () => wasm.Embedder.create(weights, 'webgpu', 32));
    await time('gpu32again', () => wasm.Embedder.create(weights, 'webgpu', 32));
    const e = (await time('gpu224', () => wasm.Embedder.create(weights, 'webgpu', 224))) as any;
    await time('gpu224again', () => wasm.Embedder.create(weights, 'webgpu', 224));
    const [photo] = await photos('train', 1);
    const { data, width, height } = await pixels(photo!.file);
    const views = (n: number, f: number) => Array.from({ length: n }, (_, i) => ({ index: i * f, seed: i }));
    for (let k = 0; k < 2; k++) for (const n of [1, 2, 8]) { await time(`plain${n}`, () => e.embed(data, width, height, views(n, 0), undefined)); }
    await time('aug8', () => e.embed(data, width, height, views(8, 1), undefined));
    await time('preview8', async () => e.preview(data, width, height, views(8, 1), undefined));
    return out;
  }));
}
await site.close();
