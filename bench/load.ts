/** What a load gave. */
export interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 204, and calls without an answer. */
  readonly failed: number;
}

/** How long the load runs before anything counts: connections open, code gets warm. */
const warmUpMs = 1_000;

/** Keeps `connections` calls of `request` in flight for `seconds`; each waits for its answer before the next. */
export async function measure(
  seconds: number,
  connections: number,
  request: () => Promise<Response>,
): Promise<Rate> {
  const from = performance.now() + warmUpMs;
  const until = from + seconds * 1_000;
  const times: number[] = [];
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let start = performance.now(); start < until; start = performance.now()) {
      const status = await request().then(
        (answer) => answer.status,
        () => 0,
      );
      if (start < from) continue;
      if (status === 204) times.push(performance.now() - start);
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  times.sort((a, b) => a - b);
  const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { perSecond: times.length / seconds, p50Ms: share(0.5), p99Ms: share(0.99), failed };
}
