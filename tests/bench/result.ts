/** A benchmark's outcome, as JSON and as a page for people. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bars } from './plot.ts';
import { ratios, type Times } from './rounds.ts';

const FOLDER = fileURLToPath(new URL('../../docs/benchmarks/', import.meta.url));

/** What was compared, and the times; the others are compared with the first contender. */
export interface Result {
  /** Name of the benchmark and of its files. */
  name: string;
  title: string;
  /** The work of one round, as a sentence's part. */
  work: string;
  /** What must be known to judge the numbers. */
  notes: string[];
  /** None where nothing was compared. */
  times: Times[];
  /** Further work that was compared, in tables of its own. */
  more?: Comparison[];
}

/** One piece of work and how long each contender took for it. */
export interface Comparison {
  work: string;
  times: Times[];
}

/** How many items each contender did in a second, where a round does `items` of them. */
export function perSecond(times: Times[], items: number): string {
  return times.map(({ name, medianMs }) => `${name} ${((1000 * items) / medianMs).toFixed(1)}`).join(', ');
}

/** Writes `docs/benchmarks/<name>.json`, `.md` and plots, and gives the page. */
export function write(result: Result, browser: string): string {
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, browser };
  const page = markdown(result, machine);
  mkdirSync(FOLDER, { recursive: true });
  const json = { ...withRatios(result), more: result.more?.map(withRatios), machine };
  writeFileSync(`${FOLDER}${result.name}.json`, `${JSON.stringify(json, null, 2)}\n`);
  writeFileSync(`${FOLDER}${result.name}.md`, page);
  for (const [index, comparison] of comparisons(result).entries()) writeFileSync(`${FOLDER}${plotName(result, index)}`, bars(comparison));
  return page;
}

function withRatios<T extends Comparison>(comparison: T): T & { ratios: number[] } {
  return { ...comparison, ratios: ratios(comparison.times) };
}

/** The comparisons in the order of the page. */
function comparisons({ work, times, more = [] }: Result): Comparison[] {
  return [{ work, times }, ...more].filter(({ times }) => times.length > 0);
}

function plotName({ name }: Result, index: number): string {
  return `${name}${index === 0 ? '' : `-${index + 1}`}.svg`;
}

function markdown(result: Result, machine: { processor: string; cores: number; browser: string }): string {
  const rounds = result.times[0] ? `${result.times[0].roundsMs.length} rounds of each, by turns, in` : 'In';
  const shown = comparisons(result).map((comparison, index) => {
    const heading = index === 0 ? '' : `${comparison.work}:\n\n`;
    return `${heading}${table(comparison)}\n\n![median times](${plotName(result, index)})\n`;
  });
  return `# ${result.title}

${result.work}. ${rounds} one page of Chromium ${machine.browser}
on ${machine.processor} (${machine.cores} cores). Again: \`cargo xtask bench ${result.name}\`.

${[...shown, result.notes.map((note) => `- ${note}`).join('\n')].join('\n')}
`;
}

function table(comparison: Comparison): string {
  const times = ratios(comparison.times);
  const rows = comparison.times.map(({ name, medianMs, spreadMs }, index) => {
    const [low, high] = spreadMs;
    return `| ${name} | ${ms(medianMs)} | ${ms(low)} to ${ms(high)} | ${(times[index] ?? NaN).toFixed(2)} |`;
  });
  return `| | median ms | spread ms | times ${comparison.times[0]?.name} in the same round, median |
|---|---|---|---|
${rows.join('\n')}`;
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
