/** A comparison as a picture: one bar a contender, readable on light and dark pages. */

import type { Comparison } from './result.ts';
import { ratios } from './rounds.ts';

const WIDTH = 720;
const ROW = 34;
const LABEL = 260;
const VALUE = 150;

/** An SVG of the medians as bars and the spread as lines. */
export function bars({ times }: Comparison): string {
  const most = Math.max(...times.map(({ spreadMs }) => spreadMs[1]));
  const longer = ratios(times);
  const scale = (ms: number) => ((WIDTH - LABEL - VALUE) * ms) / most;
  const rows = times.map(({ name, medianMs, spreadMs }, index) => {
    const [middle, left] = [index * ROW + ROW / 2 + 6, LABEL + 10];
    const [low, high] = spreadMs.map((ms) => left + scale(ms)) as [number, number];
    const ratio = index === 0 ? '' : ` (${(longer[index] ?? NaN).toFixed(2)}x)`;
    return `<text x="${LABEL}" y="${middle}" text-anchor="end" dominant-baseline="central">${escaped(name)}</text>
<rect class="${index === 0 ? 'own' : 'peer'}" x="${left}" y="${middle - 9}" width="${scale(medianMs).toFixed(1)}" height="18" rx="3"/>
<path d="M${low.toFixed(1)} ${middle}H${high.toFixed(1)}"/>
<text x="${(high + 8).toFixed(1)}" y="${middle}" dominant-baseline="central">${shown(medianMs)} ms${ratio}</text>`;
  });
  const height = times.length * ROW + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Median times">
<style>text{font:13px system-ui,sans-serif;fill:#24292f}rect.own{fill:#c2410c}rect.peer{fill:#94a3b8}path{stroke:#24292f;stroke-width:1.5}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}path{stroke:#e6edf3}}</style>
${rows.join('\n')}
</svg>
`;
}

function shown(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
