import { bundleClient } from '../client/bundle.ts';

/** Where the shim stands in the examples, so that a reader finds it beside the app that uses it. */
export const bundledInto = ['hello-push', 'hello-firefox'].map(
  (example) => new URL(`../examples/${example}/push-messaging.js`, import.meta.url).pathname,
);

/** Writes the shim into the examples. Run: `bun tools/build-client.ts`. */
export async function writeBundles(): Promise<void> {
  const text = await bundleClient('module');
  for (const path of bundledInto) await Bun.write(path, text);
}

if (import.meta.main) await writeBundles();
