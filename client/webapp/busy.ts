/** What a worker has under way: an event must not end before all of it has, or the browser may stop the worker. */
export interface Busy {
  /** Adds a reason; the answer ends it, to be called once. */
  begin(): () => void;
  /** Adds a reason that ends with a promise, however that ends. */
  during(work: Promise<unknown>): void;
  /** Settles once no reason is left. */
  idle(): Promise<void>;
}

export function createBusy(): Busy {
  let reasons = 0;
  const waiting: (() => void)[] = [];
  const begin = (): (() => void) => {
    reasons += 1;
    return () => {
      reasons -= 1;
      if (reasons === 0) for (const resolve of waiting.splice(0)) resolve();
    };
  };
  return {
    begin,
    during(work) {
      const end = begin();
      work.then(end, end);
    },
    idle: () => (reasons === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
