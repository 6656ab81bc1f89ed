/** Memory of a page that holds 2,000 examples: images are kept as files, not decoded. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openSite } from './site.ts';

const EXAMPLES = 2000;
const BATCH = 250;
const LIMIT_MB = 400;

const site = await openSite();
after(() => site.close());

/**
 * Memory of all processes of the browser in MB (Linux's proportional set size), after a garbage collection. That counts
 * the page's process with its workers, and also what the browser keeps for it elsewhere, such as the bytes of blobs.
 */
async function memory(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.detach();
  const browser = await site.browser.newBrowserCDPSession();
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  await browser.detach();
  return family(processInfo.map(({ id }) => id)).reduce((sum, pid) => sum + proportionalSize(pid), 0);
}

/** The processes and all their descendants. */
function family(pids: number[]): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [Number(pid), Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1])]),
  );
  const found = new Set(pids);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function proportionalSize(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
}

/** A file of a process, or nothing where the process has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Adds crops of the photos, made in the page and forgotten there. */
async function addCrops(page: Page, from: number, count: number): Promise<number> {
  return page.evaluate(
    async ({ from, count }) => {
      const { photos } = await import('page/photos.js');
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const sources = await photos('train');
      const crops = new Map<string, Blob[]>();
      for (let number = from; number < from + count; number++) {
        const { label, file } = sources[number % sources.length] as (typeof sources)[number];
        const whole = await createImageBitmap(file);
        const side = Math.floor(Math.min(whole.width, whole.height) * 0.8);
        const corner = (room: number) => Math.floor(((number * 7919) % 101) / 101 * room);
        const canvas = new OffscreenCanvas(side, side);
        canvas
          .getContext('2d')
          ?.drawImage(whole, corner(whole.width - side), corner(whole.height - side), side, side, 0, 0, side, side);
        whole.close();
        crops.set(label, [...(crops.get(label) ?? []), await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })]);
      }
      let added = 0;
      for (const [label, files] of crops) added += (await tuner.addExamples(label, files)).added.length;
      return added;
    },
    { from, count },
  );
}

test('2,000 examples: memory grows linearly and stays under 400 MB above the idle page', async (t) => {
  const page = await site.page();
  const idle = await memory(page);
  await page.evaluate(async () => {
    const { Tuner } = await import('rekindle');
    Object.assign(window, { tuner: await Tuner.create({ device: 'cpu', seed: 1 }) });
  });
  const above = [(await memory(page)) - idle];
  for (let from = 0; from < EXAMPLES; from += BATCH) {
    assert.equal(await addCrops(page, from, BATCH), BATCH);
    above.push((await memory(page)) - idle);
  }
  t.diagnostic(`MB above idle (${idle.toFixed(0)}) after every ${BATCH} examples: ${above.map((mb) => mb.toFixed(0)).join(' ')}`);
  assert.ok(Math.max(...above) < LIMIT_MB, `${Math.max(...above).toFixed(0)} MB above the idle page`);

  // The first batch also warms up; of the rest, the second half may not grow faster than the first by more than half
  // and the noise of the collector.
  const [start = 0, middle = 0, end = 0] = [above[2], above[5], above[8]];
  assert.ok(end - middle <= 1.5 * (middle - start) + 15, `${(middle - start).toFixed(0)} MB and then ${(end - middle).toFixed(0)} MB more`);

  const views = await page.evaluate(async () => {
    const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
    const report = await tuner.train({ views: 1, epochs: 2 }).report;
    return report.timings.embeddedViews;
  });
  const trained = (await memory(page)) - idle;
  t.diagnostic(`MB above idle after training on one view of each: ${trained.toFixed(0)}`);
  assert.equal(views, EXAMPLES);
  assert.ok(trained < LIMIT_MB, `${trained.toFixed(0)} MB above the idle page after training`);
});
