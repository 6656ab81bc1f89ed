/** Chromium, with or without a WebGPU adapter. */

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** `software` is SwiftShader, which runs everywhere; headless Chromium without it has no adapter at all. */
export type Adapter = 'none' | 'software';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const SOFTWARE_ADAPTER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Where the browser is: `CHROMIUM` in the environment, else the usual places. */
export function executable(): string {
  const named = process.env['CHROMIUM'];
  const found = [...(named ? [named] : []), ...PLACES].find((place) => existsSync(place));
  if (!found) throw new Error('no Chromium was found: install chromium, or set CHROMIUM to its path');
  return found;
}

/** Starts a headless browser. */
export function launch(adapter: Adapter, extra: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: executable(),
    args: [...ARGUMENTS, ...(adapter === 'software' ? SOFTWARE_ADAPTER : []), ...extra],
  });
}
