/**
 * `chrome.runtime.lastError`, as Chrome made it in 2014: an accessor that notes that it was read, there for the one
 * synchronous run of the callback and gone before anything else runs. Left in place it would hide another API's real
 * error; defined inside a failing native callback it would stay behind. So: define, call, delete, in one run.
 */
export interface LastErrorPlaces {
  /** `chrome.runtime`, and `chrome.extension` where it exists: the historic code set both. */
  readonly hosts: readonly { lastError?: unknown }[];
  /** Where an error that nobody read is shown, with the native wording. */
  readonly unchecked: (line: string) => void;
  /** Where an exception of the callback goes. */
  readonly uncaught: (error: unknown) => void;
}

/** Calls `callback` while `lastError` says `message`. Never throws. */
export function callWithLastError(
  places: LastErrorPlaces,
  api: string,
  message: string,
  callback: () => void,
): void {
  let read = false;
  const error = { message };
  const get = (): object => {
    read = true;
    return error;
  };
  for (const host of places.hosts) {
    Object.defineProperty(host, 'lastError', { configurable: true, enumerable: true, get });
  }
  try {
    callback();
  } catch (thrown) {
    places.uncaught(thrown);
  } finally {
    for (const host of places.hosts) delete host.lastError;
    if (!read) places.unchecked(`Unchecked runtime.lastError while running ${api}: ${message}`);
  }
}
