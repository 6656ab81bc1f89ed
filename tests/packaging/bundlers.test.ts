/** Projects that install the tarball and build with a bundler's defaults, trained on real photos in a browser. */

import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build as viteBuild, createServer as viteServe } from 'vite';
import webpack from 'webpack';
import { launch } from '../browser/chromium.ts';
import { Server } from '../browser/server.ts';
import { Tarball } from './tarball.ts';

const SAMPLES = fileURLToPath(new URL('../../www/public/samples/', import.meta.url));

interface Outcome {
  device: string;
  classes: string[];
  trainExamples: number;
  tried: number;
  right: number;
}

const tarball = new Tarball();
const browser = await launch('none');
after(async () => {
  await browser.close();
  tarball.remove();
});

/** Installs the package into a copy of the consumer; gives its folder. */
function consumer(name: string): string {
  assert.ok(existsSync(SAMPLES), 'www/public/samples is missing');
  return tarball.install(name, new URL('./consumer/', import.meta.url));
}

/** Visits the consumer's page and waits for what it computed. */
async function outcomeAt(address: string): Promise<Outcome> {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    return await page.evaluate(() => (globalThis as unknown as { outcome: Promise<Outcome> }).outcome);
  } finally {
    await page.close();
  }
}

/** Serves what was built and checks that it trains; gives the paths that were asked for. */
async function trainIn(dist: string): Promise<string[]> {
  const server = await Server.start();
  try {
    server.mount('/samples/', SAMPLES);
    server.mount('/', dist);
    check(await outcomeAt(server.origin));
    return server.requests;
  } finally {
    await server.close();
  }
}

function check({ device, classes, trainExamples, tried, right }: Outcome): void {
  assert.equal(device, 'cpu');
  assert.equal(trainExamples, classes.length * 6);
  assert.ok(tried >= 6, `only ${tried} photos were tried`);
  // Guessing gets a third right; the sample photos are easy, but six examples a class are few.
  assert.ok(right / tried >= 0.75, `${right} of ${tried} photos were classified rightly`);
}

function assertLean(requests: string[]): void {
  const fetched = (ending: RegExp) => requests.filter((request) => ending.test(request)).length;
  assert.equal(fetched(/\.wasm$/), 2, `one build and its kernels should be fetched: ${requests}`);
  assert.equal(fetched(/\.safetensors$/), 1, `the weights should be fetched once: ${requests}`);
}

test('a Vite project builds with the defaults and trains', async () => {
  const root = consumer('vite');
  await viteBuild({ root, configFile: false, logLevel: 'warn' });
  assertLean(await trainIn(path.join(root, 'dist')));
});

test('a Vite project trains on the development server', async () => {
  const root = consumer('vite-dev');
  cpSync(SAMPLES, path.join(root, 'public/samples'), { recursive: true });
  const server = await viteServe({ root, configFile: false, logLevel: 'warn' });
  try {
    await server.listen();
    check(await outcomeAt(server.resolvedUrls?.local[0] ?? assert.fail('the server has no address')));
  } finally {
    await server.close();
  }
});

test('a webpack project builds with the defaults and trains', async () => {
  const root = consumer('webpack');
  const dist = path.join(root, 'dist');
  const compiler = webpack({ mode: 'production', context: root, entry: './main.js', output: { path: dist } });
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result)));
  });
  const { errors = [] } = stats?.toJson({ all: false, errors: true }) ?? {};
  assert.deepEqual(errors.map(({ message }) => message), []);
  cpSync(path.join(root, 'index.html'), path.join(dist, 'index.html'));
  assertLean(await trainIn(dist));
});
