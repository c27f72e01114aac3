import { describe, expect, test } from 'bun:test';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, Kept, PushHeaders, Slot } from '../../core/store.ts';
import { dataMessage } from './data-message.ts';
import { isNamed, nameOf, readName } from './names.ts';

function kept(body: string, headers?: PushHeaders, slot: Slot = null): Kept {
  return {
    version: 5 as Version,
    channel: 1 as ChannelKey,
    slot,
    payload: Buffer.from(body).toString('base64url'),
    acceptedAt: 0,
    expiresAt: 1,
    ...(headers && { headers }),
  };
}

const page = nameOf({
  category: 'org.chromium.linux',
  subtype: 'wp:https://a/#1-V2',
  sender: 'BKey',
  instance: '',
});
const extension = nameOf({
  category: 'mfaehphpebmlbfdiegjnpidmibldjbjk',
  subtype: '',
  sender: '123',
  instance: '',
});

describe('the Push API', () => {
  test('MC11 a push carries category, sender, subtype, encoding and body', () => {
    expect(dataMessage(kept('sealed', { encoding: 'aes128gcm' }), page, 's.5')).toEqual({
      from: 'BKey',
      category: 'org.chromium.linux',
      persistentId: 's.5',
      appData: { subtype: 'wp:https://a/#1-V2', 'content-encoding': 'aes128gcm' },
      body: Buffer.from('sealed'),
    });
  });

  test('MC11 the old encoding brings its two headers', () => {
    const headers = { encoding: 'aesgcm', encryption: 'salt=x', cryptoKey: 'dh=y' } as const;
    expect(dataMessage(kept('sealed', headers), page, 's.5').appData).toEqual({
      subtype: 'wp:https://a/#1-V2',
      'content-encoding': 'aesgcm',
      encryption: 'salt=x',
      'crypto-key': 'dh=y',
    });
  });

  test('MC11 without a body there is neither encoding nor body', () => {
    const message = dataMessage(kept(''), page, 's.5');
    expect(message.appData).toEqual({ subtype: 'wp:https://a/#1-V2' });
    expect(message.body).toBeUndefined();
  });
});

describe('chrome.gcm', () => {
  test('MC12 the members of a JSON object become text pairs', () => {
    expect(dataMessage(kept('{"a":"b","n":1,"o":{"x":[2]}}'), extension, 's.5')).toEqual({
      from: '123',
      category: 'mfaehphpebmlbfdiegjnpidmibldjbjk',
      persistentId: 's.5',
      appData: { a: 'b', n: '1', o: '{"x":[2]}' },
    });
  });

  test('MC12 any other text is one pair, an empty one none', () => {
    for (const text of ['hello', '[1]', '3', 'null', '{"broken'])
      expect(dataMessage(kept(text), extension, 's.5').appData).toEqual({ payload: text });
    expect(dataMessage(kept(''), extension, 's.5').appData).toEqual({});
  });

  test('MC12 the topic is the collapse key', () => {
    expect(dataMessage(kept('x', undefined, 't:news'), extension, 's.5').collapseKey).toBe('news');
    expect(dataMessage(kept('x'), extension, 's.5').collapseKey).toBeUndefined();
  });
});

describe('names of registrations', () => {
  test('MC8 a name says category, subtype, sender and instance', () => {
    for (const one of [
      { category: 'org.chromium.linux', subtype: 'wp:https://a/#1-V2', sender: 'BKey', instance: '' },
      { category: 'abc', subtype: '', sender: '1,2', instance: '' },
      { category: 'abc', subtype: '', sender: '1,2', instance: 'abcdefghijk' },
      { category: 'abc', subtype: '', sender: '', instance: '' },
    ])
      expect(readName(nameOf(one))).toEqual(one);
  });

  test('MC10 a star names every sender, nothing names another subtype', () => {
    const named = readName(page);
    expect(isNamed(page, named)).toBe(true);
    expect(isNamed(page, { ...named, sender: '*' })).toBe(true);
    expect(isNamed(page, { ...named, sender: 'other' })).toBe(false);
    expect(isNamed(page, { ...named, subtype: '' })).toBe(false);
    expect(isNamed(extension, { ...named, sender: '*' })).toBe(false);
  });
});
