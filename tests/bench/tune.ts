/** A step of fine-tuning the last two stages: Rekindle through its package against PyTorch, natively on one thread. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Site } from '../browser/site.ts';
import { alternate, type Contender } from './rounds.ts';
import type { Result } from './result.ts';

const ROUNDS = 5;
/** 32 photos x 2 views in batches of 16: four steps an epoch. */
const TASK = { perClass: 16, labels: 2, views: 2, batchSize: 16, epochs: 4 };
const PEER = fileURLToPath(new URL('tune_peer.py', import.meta.url));

/** One step on 16 views, from the features at the cut. */
export async function benchTune(site: Site): Promise<Result> {
  const page = await site.page();
  await page.evaluate(async (task) => {
    const { Tuner } = await import('rekindle');
    const { byLabel, photos } = await import('page/photos.js');
    const tuner = await Tuner.create({ device: 'cpu', seed: 1 });
    const classes = [...byLabel(await photos('train'))].slice(0, task.labels);
    for (const [label, files] of classes) await tuner.addExamples(label, files.slice(0, task.perClass));
    const step = async () => {
      const ends: number[] = [];
      const options = { strategy: 'partial', views: task.views, batchSize: task.batchSize, validation: 0 } as const;
      for await (const event of tuner.train({ ...options, tune: { epochs: task.epochs } })) {
        if (event.type === 'epoch' && event.phase === 'tune') ends.push(event.elapsedMs);
      }
      const steps = Math.ceil((task.labels * task.perClass * task.views) / task.batchSize) * (ends.length - 1);
      return (ends.at(-1)! - ends[0]!) / steps;
    };
    Object.assign(window, { step });
  }, TASK);
  const contenders: Contender[] = [
    { name: 'Rekindle', round: () => page.evaluate(() => (window as unknown as { step(): Promise<number> }).step()) },
  ];
  const python = process.env['TORCH_PYTHON'];
  if (python) contenders.push({ name: 'PyTorch eager, one thread', round: () => peer(python) });
  return {
    name: 'tune',
    title: 'A step of fine-tuning',
    work: `One step of AdamW on ${TASK.batchSize} views at 224x224: MobileNetV2's last two stages and a head, forward, backward and update, from the features at the cut`,
    notes: [
      'Rekindle: WebAssembly on one core, through its worker; all but the first epoch of a training, over its steps.',
      python
        ? 'PyTorch: the same layers natively (`tests/bench/tune_peer.py`), norms in evaluation mode, median of 20 steps after five.'
        : 'PyTorch was not there: name a Python that has torch and torchvision in `TORCH_PYTHON`.',
    ],
    times: await alternate(contenders, ROUNDS),
  };
}

/** Milliseconds that a step takes in PyTorch. */
async function peer(python: string): Promise<number> {
  const { stdout } = await promisify(execFile)(python, [PEER, String(TASK.batchSize)]);
  return Number(stdout);
}
