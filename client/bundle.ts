/** The two forms of the shim: `import './push-messaging.js'` in a module worker, `importScripts` or `<script>` elsewhere. */
export type BundleForm = 'module' | 'classic';

const entries = { module: 'entry-module.ts', classic: 'entry-classic.ts' } as const;
const notice = '// chrome.pushMessaging by Reveille. Apache-2.0. Source: client/.\n';

/** Bundles and minifies the shim; answers the text of one script without imports. Runs on Bun. */
export async function bundleClient(form: BundleForm): Promise<string> {
  const built = await Bun.build({
    entrypoints: [`${import.meta.dir}/${entries[form]}`],
    target: 'browser',
    format: form === 'module' ? 'esm' : 'iife',
    minify: true,
  });
  const output = built.outputs[0];
  if (output === undefined) throw new Error('the client did not build');
  return notice + (await output.text());
}
