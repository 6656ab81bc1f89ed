/** A benchmark's outcome, as JSON and as a page for people. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Times } from './rounds.ts';

const FOLDER = fileURLToPath(new URL('../../docs/benchmarks/', import.meta.url));

/** What was compared, and the times; the others are compared with the first contender, which is Rekindle. */
export interface Result {
  /** Name of the benchmark and of its files. */
  name: string;
  title: string;
  /** The work of one round, as a sentence's part. */
  work: string;
  /** What must be known to judge the numbers. */
  notes: string[];
  times: Times[];
}

/** How often longer each contender took than the first. */
export function ratios({ times }: Result): number[] {
  return times.map(({ medianMs }) => medianMs / (times[0]?.medianMs ?? NaN));
}

/** Writes `docs/benchmarks/<name>.json` and `.md`, and gives the page. */
export function write(result: Result, browser: string): string {
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, browser };
  const page = markdown(result, machine);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}${result.name}.json`, `${JSON.stringify({ ...result, ratios: ratios(result), machine }, null, 2)}\n`);
  writeFileSync(`${FOLDER}${result.name}.md`, page);
  return page;
}

function markdown(result: Result, machine: { processor: string; cores: number; browser: string }): string {
  const rows = result.times.map(({ name, medianMs, spreadMs }, index) => {
    const [low, high] = spreadMs;
    return `| ${name} | ${ms(medianMs)} | ${ms(low)} to ${ms(high)} | ${(ratios(result)[index] ?? NaN).toFixed(2)} |`;
  });
  return `# ${result.title}

${result.work}. ${result.times[0]?.roundsMs.length} rounds of each, by turns, in one page of Chromium ${machine.browser}
on ${machine.processor} (${machine.cores} cores). Again: \`npm run bench -w tests -- ${result.name}\`.

| | median ms | spread ms | times ${result.times[0]?.name} |
|---|---|---|---|
${rows.join('\n')}

${result.notes.map((note) => `- ${note}`).join('\n')}
`;
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
