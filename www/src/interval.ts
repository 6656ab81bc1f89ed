/** Standard normal quantile of a two-sided 95 % interval. */
const Z = 1.96;

/**
 * Where the true rate lies in 95 of 100 cases, after `right` of `count` were right.
 * Wilson's score interval: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
 */
export function likelyRange(right: number, count: number): [number, number] {
  if (count === 0) return [0, 1];
  const rate = right / count;
  const spread = Z * Math.sqrt((rate * (1 - rate)) / count + (Z * Z) / (4 * count * count));
  const middle = rate + (Z * Z) / (2 * count);
  const scale = 1 + (Z * Z) / count;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}
