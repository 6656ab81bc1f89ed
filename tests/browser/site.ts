/** What the browser tests visit, served to a Chromium of its own: the packed package with the photos, or the web app. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch, type Adapter } from './chromium.ts';
import { unpackedPackage } from './package.ts';
import { listPhotos, photoFolder } from './photos.ts';
import { Server } from './server.ts';

const PAGE_MODULES = ['features', 'files', 'kernels', 'outcome', 'photos'];

/** A server and a browser of its own. */
export interface Site {
  server: Server;
  browser: Browser;
  /** Opens the start page in a profile of its own. */
  page(options?: BrowserContextOptions): Promise<Page>;
  /** Ends the browser and the server. @throws when a page had an error that nobody caught. */
  close(): Promise<void>;
}

/** Opens an empty page in which `import('rekindle')` gives the packed package, without any bundler. */
export async function openSite(adapter: Adapter = 'none', extra: string[] = []): Promise<Site> {
  const { folder, entry } = unpackedPackage();
  const server = await Server.start();
  server.mount('/rekindle/', folder);
  server.mount('/photos/', photoFolder());
  server.file('/photos.json', () => JSON.stringify(listPhotos()));
  server.file('/', () => html(new URL(entry, 'file:///rekindle/').pathname));
  for (const name of PAGE_MODULES) server.file(`/page/${name}.js`, () => pageModule(name));
  return visit(server, adapter, extra);
}

/** Opens the built web app. */
export async function openApp(extra: string[] = []): Promise<Site> {
  const folder = fileURLToPath(new URL('../../www/dist/', import.meta.url));
  if (!existsSync(folder)) throw new Error('the page is not built: run `cargo xtask build`');
  const server = await Server.start();
  server.mount('/', folder);
  return visit(server, 'none', extra);
}

async function visit(server: Server, adapter: Adapter, extra: string[]): Promise<Site> {
  const browser = await launch(adapter, extra);
  const uncaught: Error[] = [];
  return {
    server,
    browser,
    async page(options) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      page.on('pageerror', (error) => uncaught.push(error));
      // The loader of these files names inner functions through this; functions that are sent to a page keep the call.
      await page.addInitScript('globalThis.__name = (target) => target;');
      await page.goto(server.origin);
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
      if (uncaught.length > 0) throw new AggregateError(uncaught, `uncaught in the page: ${uncaught.join('; ')}`);
    },
  };
}

function html(entry: string): string {
  const imports = { rekindle: entry, 'page/': '/page/' };
  return `<!doctype html><html lang="en"><title>rekindle</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script></html>`;
}

async function pageModule(name: string): Promise<string> {
  const source = await readFile(fileURLToPath(new URL(`./page/${name}.ts`, import.meta.url)), 'utf8');
  return (await transform(source, { loader: 'ts', format: 'esm' })).code;
}
