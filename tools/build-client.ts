import { bundleClient } from '../client/bundle.ts';

/** Writes the shim into the example, where a reader finds it beside the app that uses it. Run: `bun tools/build-client.ts`. */
export const bundledInto = new URL('../examples/hello-push/push-messaging.js', import.meta.url).pathname;

if (import.meta.main) await Bun.write(bundledInto, await bundleClient('module'));
