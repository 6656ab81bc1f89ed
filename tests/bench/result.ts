/** A benchmark's outcome, as JSON and as a page for people. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Times } from './rounds.ts';

const FOLDER = fileURLToPath(new URL('../../docs/benchmarks/', import.meta.url));

/** The same work by every contender; the first one is Rekindle. */
export interface Part {
  /** What sets it apart from the other parts; empty where there is one only. */
  title: string;
  times: Times[];
}

/** What was compared, and the times. */
export interface Result {
  /** Name of the benchmark and of its files. */
  name: string;
  title: string;
  /** The work of one round, as a sentence's part. */
  work: string;
  /** What must be known to judge the numbers. */
  notes: string[];
  parts: Part[];
}

/** How often longer each contender took than the first. */
export function ratios({ times }: Part): number[] {
  return times.map(({ medianMs }) => medianMs / (times[0]?.medianMs ?? NaN));
}

/** Writes `docs/benchmarks/<name>.json` and `.md`, and gives the page. */
export function write(result: Result, browser: string): string {
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, browser };
  const page = markdown(result, machine);
  const parts = result.parts.map((part) => ({ ...part, ratios: ratios(part) }));
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}${result.name}.json`, `${JSON.stringify({ ...result, parts, machine }, null, 2)}\n`);
  writeFileSync(`${FOLDER}${result.name}.md`, page);
  return page;
}

function markdown(result: Result, machine: { processor: string; cores: number; browser: string }): string {
  return `# ${result.title}

${result.work}. ${result.parts[0]?.times[0]?.roundsMs.length} rounds of each, by turns, in one page of Chromium ${machine.browser}
on ${machine.processor} (${machine.cores} cores). Again: \`npm run bench -w tests -- ${result.name}\`.

${result.parts.map(table).join('\n\n')}

${result.notes.map((note) => `- ${note}`).join('\n')}
`;
}

function table(part: Part): string {
  const rows = part.times.map(({ name, medianMs, spreadMs: [low, high] }, index) => {
    return `| ${name} | ${ms(medianMs)} | ${ms(low)} to ${ms(high)} | ${(ratios(part)[index] ?? NaN).toFixed(2)} |`;
  });
  const [first] = part.times;
  return `| ${part.title} | median ms | spread ms | times ${first?.name} |
|---|---|---|---|
${rows.join('\n')}`;
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
