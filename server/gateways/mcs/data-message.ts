import type { Kept } from '../../core/store.ts';
import type { AppData, DataMessage } from './codec.ts';
import { readName } from './names.ts';

/**
 * A kept message as Chromium takes it. To a subscription of the Push API goes the encrypted body. To one of `chrome.gcm` or
 * `chrome.instanceID` go text pairs: the body when it is a JSON object, member by member, else `{payload: body}`.
 * @param name the subscription's (names.ts).
 * @param persistentId under which the client acknowledges it.
 */
export function dataMessage(kept: Kept, name: string, persistentId: string): DataMessage {
  const { category, subtype, sender } = readName(name);
  const addressed = { from: sender, category, persistentId };
  if (subtype !== '') return { ...addressed, ...pushed(kept, subtype) };
  const collapse = kept.slot === null ? {} : { collapseKey: kept.slot.replace(/^t:/, '') };
  return { ...addressed, ...collapse, appData: pairsOf(Buffer.from(kept.payload, 'base64url').toString()) };
}

/** Does a subscription take text pairs, as those of `chrome.gcm` and `chrome.instanceID` do? */
export function takesText(name: string): boolean {
  return readName(name).subtype === '';
}

/** Tells such a subscription that messages are gone which its browser did not get: `onMessagesDeleted`. */
export function deletedMessages(name: string, persistentId: string): DataMessage {
  const { category, sender } = readName(name);
  return { from: sender, category, persistentId, appData: { message_type: 'deleted_messages' } };
}

function pushed({ headers, payload }: Kept, subtype: string): Pick<DataMessage, 'appData' | 'body'> {
  // Without a body the page gets a push event with null data.
  if (headers === undefined) return { appData: { subtype } };
  const { encoding, encryption, cryptoKey } = headers;
  const appData: Record<string, string> = { subtype, 'content-encoding': encoding };
  if (encryption !== undefined) appData.encryption = encryption;
  if (cryptoKey !== undefined) appData['crypto-key'] = cryptoKey;
  return { appData, body: Buffer.from(payload, 'base64url') };
}

function pairsOf(payload: string): AppData {
  if (payload === '') return {};
  const value = parseObject(payload);
  if (value === undefined) return { payload };
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      typeof member === 'string' ? member : JSON.stringify(member),
    ]),
  );
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
