/** Times of contenders that take turns, so that whatever else the machine does hits all of them alike. */

/** One way of doing the work: does it once and gives the milliseconds it took. */
export interface Contender {
  name: string;
  round(): Promise<number>;
}

/** The times of a contender, in milliseconds. */
export interface Times {
  name: string;
  roundsMs: number[];
  medianMs: number;
  /** Fastest and slowest round. */
  spreadMs: [number, number];
}

/** Runs the contenders in alternating rounds, after some that warm up and are not counted. */
export async function alternate(contenders: Contender[], rounds: number, warmUps = 1): Promise<Times[]> {
  const times = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = -warmUps; round < rounds; round++) {
    for (const contender of contenders) {
      const ms = await contender.round();
      if (round >= 0) times.get(contender)?.push(ms);
    }
  }
  return [...times].map(([{ name }, roundsMs]) => {
    const sorted = [...roundsMs].sort((a, b) => a - b);
    return {
      name,
      roundsMs,
      medianMs: median(sorted),
      spreadMs: [sorted[0] ?? NaN, sorted.at(-1) ?? NaN],
    };
  });
}

/** How often longer each contender took than the first: the median of the rounds' own ratios, for a machine may change its speed
    from round to round. */
export function ratios(times: Times[]): number[] {
  const first = times[0]?.roundsMs ?? [];
  return times.map(({ roundsMs }) => median(roundsMs.map((ms, round) => ms / (first[round] ?? NaN)).sort((a, b) => a - b)));
}

function median(sorted: number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
