/**
 * What an app may take from the client: the shim for `import` in a module worker or page, the shim for `importScripts`
 * and `<script>`, the stand-in for `webkitNotifications`, which serves both, and the client of web apps, for pages and service
 * workers; what adds `seen` to each of them; and what the service's own wake page (Firefox) and its worker run.
 */
export type BundleForm = keyof typeof entries;

const entries = {
  module: { file: 'entry-module.ts', format: 'esm' },
  classic: { file: 'entry-classic.ts', format: 'iife' },
  notifications: { file: 'entry-notifications.ts', format: 'iife' },
  seen: { file: 'entry-seen.ts', format: 'iife' },
  web: { file: 'webapp/entry.ts', format: 'iife' },
  'wake-page': { file: 'wake/page.ts', format: 'iife' },
  'wake-worker': { file: 'wake/worker.ts', format: 'iife' },
} as const;
const notice = '// Reveille, Apache-2.0\n';

/** Bundles and minifies; answers the text of one script without imports. Runs on Bun. */
export async function bundleClient(form: BundleForm): Promise<string> {
  const { file, format } = entries[form];
  const built = await Bun.build({
    entrypoints: [`${import.meta.dir}/${file}`],
    target: 'browser',
    format,
    minify: true,
  });
  const output = built.outputs[0];
  if (output === undefined) throw new Error('the client did not build');
  return notice + (await output.text());
}
