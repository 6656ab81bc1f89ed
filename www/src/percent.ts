/** A share from 0 to 1 in percent: whole, but at both ends, where it would say all or none and is not. */
export function percent(share: number): string {
  const exact = share * 100;
  if (exact > 0 && exact < 0.5) return `${Math.max(exact, 0.1).toFixed(1)}%`;
  if (exact > 99.5 && exact < 100) return `${Math.min(exact, 99.9).toFixed(1)}%`;
  return `${Math.round(exact)}%`;
}
