/** A straight line through points by least squares. */
export interface Slope {
  /** y for each x. */
  readonly perUnit: number;
  readonly atZero: number;
  /** Standard error of `perUnit`: what the scatter of the points leaves open. */
  readonly error: number;
}

/** @throws Error with fewer than three points: two say nothing about their scatter. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Slope {
  const n = points.length;
  if (n < 3) throw new Error('a slope needs three points');
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const perUnit = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const atZero = meanY - perUnit * meanX;
  const rest = points.reduce((sum, [x, y]) => sum + (y - atZero - perUnit * x) ** 2, 0);
  return { perUnit, atZero, error: Math.sqrt(rest / (n - 2) / spread) };
}
