/** A share from 0 to 1 in whole percent; a little more exact at both ends, where whole numbers would say none or all. */
export function percent(share: number): string {
  const exact = share * 100;
  const atAnEnd = (exact > 0 && exact < 0.5) || (exact > 99.5 && exact < 100);
  return `${atAnEnd ? exact.toFixed(1) : Math.round(exact)}%`;
}
