/** The first example of the README, run as it stands. It is given `fishPhotos`, `toolPhotos` and `photo`. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test("the README's first example trains, predicts and saves", async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```(?:js|ts)\n([^`]*?from 'rekindle'[\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(example, 'the README has no example that imports rekindle');

  const page = await site.page();
  const logged: string[] = [];
  page.on('console', (message) => logged.push(message.text()));
  const made = await page.evaluate(async (example) => {
    const { byLabel, photos } = await import('page/photos.js');
    const { Tuner } = await import('rekindle');
    const classes = byLabel(await photos('train', 12));
    const photo = (await photos('test')).find(({ label }) => label === 'bird')?.file as File;
    // Birds and coins stand for what the example calls fish and tools.
    Object.assign(window, { fishPhotos: classes.get('bird'), toolPhotos: classes.get('coin'), photo });
    const script = new Blob([example, 'export { label, probability, unknown, project };'], { type: 'text/javascript' });
    const { project, ...prediction } = await import(URL.createObjectURL(script));
    const opened = await Tuner.open(project);
    const again = await opened.predict(photo);
    await opened.dispose();
    return { prediction, again };
  }, example);
  assert.equal(made.prediction.label, 'fish');
  assert.ok(made.prediction.probability > 0.5);
  assert.equal(made.again.probability, made.prediction.probability);
  assert.ok(logged.some((line) => line.startsWith('wasm ')) && logged.some((line) => line.startsWith('weights ')), 'progress');
  assert.ok(logged.some((line) => /^1 \d\.\d+ \d/.test(line)), 'epochs');
});
