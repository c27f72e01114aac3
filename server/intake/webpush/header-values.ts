/** Longest header value that is read; what is longer exists only in attacks. */
const CHARACTERS_MAX = 4_096;

/**
 * The `name=value` parameters of a header such as `Crypto-Key: dh=…;p256ecdsa=…, keyid=…` or `vapid t=…, k=…`. Quotes go,
 * the first of a name counts, whatever is no parameter is skipped: senders write this header in many ways.
 */
export function readParameters(value: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of value.slice(0, CHARACTERS_MAX).split(/[;,]/)) {
    const [, name, text] = /^\s*([\w-]+)\s*=\s*"?([^"\s]*)"?\s*$/.exec(part) ?? [];
    if (name === undefined || text === undefined) continue;
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, text);
  }
  return parameters;
}

/** Bytes from base64, in its own or in the alphabet for URLs, padded or not; undefined when it is neither. */
export function readBase64(text: string): Buffer | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64url');
}

const POINT_BYTES = 65;

/** An uncompressed point of P-256, which is what public keys of web push are; undefined when it has not that form. */
export function readPoint(text: string): Buffer | undefined {
  const bytes = readBase64(text);
  return bytes?.length === POINT_BYTES && bytes[0] === 4 ? bytes : undefined;
}
