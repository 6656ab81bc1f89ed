/**
 * `npm run bench -w tests -- [name...] [--examples n]`: runs the benchmarks, all of them where none is named; `scale` with so
 * many examples.
 */

import { parseArgs } from 'node:util';
import { openSite, type Site } from '../browser/site.ts';
import { benchEmbed } from './embed.ts';
import { benchHead } from './head.ts';
import { benchLive } from './live.ts';
import { write, type Result } from './result.ts';
import { benchScale } from './scale.ts';
import { benchShutter } from './shutter.ts';
import { benchStart } from './start.ts';
import { benchTune } from './tune.ts';
import { benchWebgpu } from './webgpu.ts';
import { benchWorkers } from './workers.ts';

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { examples: { type: 'string', default: '10000' } },
});

const BENCHMARKS: Record<string, (site: Site) => Promise<Result>> = {
  head: benchHead,
  tune: benchTune,
  embed: benchEmbed,
  shutter: benchShutter,
  start: benchStart,
  scale: (site) => benchScale(site, Number(values.examples)),
  workers: benchWorkers,
  live: benchLive,
  webgpu: benchWebgpu,
};

const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}

for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const site = await openSite(name === 'webgpu' ? 'software' : 'none');
  try {
    console.log(write(await run(site), site.browser.version()));
  } finally {
    await site.close();
  }
}
