import { ReveilleError } from '../../../protocol/errors.ts';

/** A body that was read: its fields, and the JSON text that they came from. */
export interface JsonObject {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly json: string;
}

/**
 * IN2: reads a JSON object; text that is no JSON is read once more with single quotes as double quotes, because the guide's own
 * sample and Google's Java sender wrote `{'channelId': '…'}` (reference 1.1).
 * @throws `body-invalid`.
 */
export function readJsonObject(text: string): JsonObject {
  if (text.trim() === '') throw new ReveilleError('body-invalid', 'The body is empty.');
  const strict = parse(text);
  if (typeof strict === 'object') return { fields: strict, json: text };
  if (strict === 'no JSON' && text.includes("'")) {
    const json = doubleQuoted(text);
    const lenient = parse(json);
    if (typeof lenient === 'object') return { fields: lenient, json };
  }
  throw new ReveilleError('body-invalid', `The body is ${strict}.`);
}

/** The JSON text of the number in the field `name`: 1e2 stays 1e2. The field must hold a number. */
export function numberText(json: string, name: string): string {
  const sources = new Map<unknown, string>();
  let text = '';
  // The engine hands a reviver the text of each number, with the object that holds it; the outermost one comes last.
  JSON.parse(
    json,
    function (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) {
      if (key === name && typeof value === 'number') sources.set(this, context?.source ?? String(value));
      text = sources.get(value) ?? '';
      return value;
    },
  );
  return text;
}

function parse(text: string): Record<string, unknown> | 'no JSON' | 'no JSON object' {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : 'no JSON object';
  } catch {
    return 'no JSON';
  }
}

/** Rewrites 'text' to "text"; what stands in double quotes, and all that is no string, stays as it is. */
function doubleQuoted(text: string): string {
  let out = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '\\' && quote !== '') {
      const escaped = text.charAt(++i);
      // JSON knows no \': the quote stands for itself.
      out += escaped === "'" ? "'" : `\\${escaped}`;
    } else if (quote === '') {
      if (character === '"' || character === "'") quote = character;
      out += character === "'" ? '"' : character;
    } else if (character === quote) {
      quote = '';
      out += '"';
    } else {
      out += character === '"' ? '\\"' : character;
    }
  }
  return out;
}
