import { expect, test } from 'bun:test';
import { bundleClient } from '../client/bundle.ts';
import { bundledInto } from './build-client.ts';

test('CL29 each form of the shim is one script without imports and has fewer than 20,200 bytes', async () => {
  for (const form of ['module', 'classic', 'notifications'] as const) {
    const text = await bundleClient(form);
    expect(Buffer.byteLength(text)).toBeLessThan(20_200);
    expect(text).not.toMatch(/\bimport\s*[{*"'(]|\bexport\s*[{*]|\brequire\(/);
  }
});

test('WA6 the client of web apps is one script without imports and has fewer than 16,200 bytes', async () => {
  const text = await bundleClient('web');
  expect(Buffer.byteLength(text)).toBeLessThan(16_200);
  expect(text).not.toMatch(/\bimport\s*[{*"'(]|\bexport\s*[{*]|import\.meta/);
});

test('CL29 the classic form leaves no names behind and uses nothing that only modules have', async () => {
  const text = await bundleClient('classic');
  expect(text).not.toContain('import.meta');
  expect(text).toMatch(/^\/\/.*\n\s*\(\(\)=>\{/);
});

test('CL29 the copies in the examples are what the sources make', async () => {
  // Where they differ: bun tools/build-client.ts
  const text = await bundleClient('module');
  for (const path of bundledInto) expect(await Bun.file(path).text()).toBe(text);
});

test('CL37 the file for what was seen is one script without imports and has fewer than 5,000 bytes', async () => {
  const text = await bundleClient('seen');
  expect(Buffer.byteLength(text)).toBeLessThan(5_000);
  expect(text).not.toMatch(/\bimport\s*[{*"'(]|\bexport\s*[{*]|import\.meta/);
});
