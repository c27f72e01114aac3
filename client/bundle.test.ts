import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bundledInto } from '../tools/build-client.ts';
import { bundleClient } from './bundle.ts';

test('CL29 each form of the shim is one script without imports and has fewer than 15,000 bytes', async () => {
  for (const form of ['module', 'classic', 'notifications'] as const) {
    const text = await bundleClient(form);
    assert.ok(Buffer.byteLength(text) < 15_000, `${form}: ${Buffer.byteLength(text)} bytes`);
    assert.doesNotMatch(text, /\bimport\s*[{*"'(]|\bexport\s*[{*]|\brequire\(/);
  }
});

test('CL29 the classic form leaves no names behind and uses nothing that only modules have', async () => {
  const text = await bundleClient('classic');
  assert.doesNotMatch(text, /import\.meta/);
  assert.match(text, /^\/\/.*\n\s*\(\(\)=>\{/);
});

test('CL29 the copy in the example is what the sources make', async () => {
  const committed = await readFile(bundledInto, 'utf8');
  assert.equal(committed, await bundleClient('module'), 'run: bun tools/build-client.ts');
});
