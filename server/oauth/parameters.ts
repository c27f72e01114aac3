/** Parameters of one request: each name once (RFC 6749 sections 3.1 and 3.2). */
export interface Parameters {
  get(name: string): string | undefined;
  /** Names that came more than once; `get` answers the first value. */
  readonly repeated: readonly string[];
  /** The values in one object, for a library that wants them so. */
  all(): Record<string, string>;
}

/** Reads a query string or a form. An empty value is a value. */
export function readForm(text: string): Parameters {
  return parametersOf([...new URLSearchParams(text)]);
}

/**
 * Reads a JSON object whose members are texts or numbers, as some clients of `/oauth2/v4/token` send it.
 * @returns undefined when it is anything else
 */
export function readJson(text: string): Parameters | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const pairs: [string, string][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string' || typeof member === 'number') pairs.push([name, String(member)]);
    else if (member !== null) return undefined;
  }
  return parametersOf(pairs);
}

/** The still encoded value of a parameter in a query string; undefined when it is not there. */
export function rawValue(query: string, name: string): string | undefined {
  for (const pair of query.replace(/^\?/, '').split('&')) {
    const [left = '', ...right] = pair.split('=');
    if (decodeName(left) === name) return right.join('=');
  }
  return undefined;
}

/** The query without one parameter; the rest stays as it is, byte by byte. */
export function withoutParameter(query: string, name: string): string {
  const left = query
    .replace(/^\?/, '')
    .split('&')
    .filter((pair) => pair !== '' && decodeName(pair.split('=')[0] ?? '') !== name);
  return left.join('&');
}

const decodeName = (text: string): string => [...new URLSearchParams(`${text}=`)][0]?.[0] ?? '';

function parametersOf(pairs: readonly (readonly [string, string])[]): Parameters {
  const values = new Map<string, string>();
  const repeated = new Set<string>();
  for (const [name, value] of pairs) {
    if (values.has(name)) repeated.add(name);
    else values.set(name, value);
  }
  return { get: (name) => values.get(name), repeated: [...repeated], all: () => Object.fromEntries(values) };
}
