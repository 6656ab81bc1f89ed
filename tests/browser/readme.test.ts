/** The first example of the README, run as it stands. It is given `catPhotos`, `dogPhotos` and `photo`. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { openSite } from './site.ts';

const site = await openSite();
after(() => site.close());

test("the README's first example trains and predicts", async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const example = /```(?:js|ts)\n([^`]*?from 'rekindle'[\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(example, 'the README has no example that imports rekindle');

  const page = await site.page();
  const logged: string[] = [];
  page.on('console', (message) => logged.push(message.text()));
  await page.evaluate(async (example) => {
    const { byLabel, photos } = await import('page/photos.js');
    const classes = byLabel(await photos('train', 5));
    const given = { catPhotos: classes.get('bird'), dogPhotos: classes.get('mammal'), photo: (await photos('test', 1))[0]?.file };
    Object.assign(window, given);
    await import(URL.createObjectURL(new Blob([example], { type: 'text/javascript' })));
  }, example);
  assert.ok(logged.some((line) => /cat|dog/.test(line)), `it said: ${logged.join('; ')}`);
});
