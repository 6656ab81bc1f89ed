/** What the browser's processes hold of memory. */

import { readFileSync, readdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';

/**
 * Memory of all processes of the browser in MB (Linux's proportional set size), after a garbage collection. That counts
 * the page's process with its workers, and also what the browser keeps for it elsewhere, such as the bytes of blobs.
 */
export async function memory(browser: Browser, page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  await whole.detach();
  return family(processInfo.map(({ id }) => id)).reduce((sum, pid) => sum + proportionalSize(pid), 0);
}

/** Memory of an idle page, in MB, once the browser has made the processes that it keeps for what may come. */
export async function idleMemory(browser: Browser, page: Page): Promise<number> {
  for (let before = 0; ; ) {
    const now = await memory(browser, page);
    if (Math.abs(now - before) < 1) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
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
