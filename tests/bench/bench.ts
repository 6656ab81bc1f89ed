/** `npm run bench -w tests -- [name...]`: runs the benchmarks, all of them where none is named. */

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

const BENCHMARKS: Record<string, (site: Site) => Promise<Result>> = {
  head: benchHead,
  tune: benchTune,
  embed: benchEmbed,
  shutter: benchShutter,
  start: benchStart,
  scale: benchScale,
  workers: benchWorkers,
  live: benchLive,
  webgpu: benchWebgpu,
};

const names = process.argv.slice(2);
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
