import type { ConsoleTown } from './console-town.ts';

/** A page as a person without script sees it. */
export interface SeenPage {
  readonly status: number;
  /** Path and query that were shown in the end, redirects followed. */
  readonly path: string;
  readonly html: string;
  /** The text without tags, white space in single blanks. */
  readonly text: string;
}

/** A server, or a part of one; absolute addresses are followed only where it says its origin. */
interface Site {
  readonly origin?: string;
  readonly fetch: ConsoleTown['fetch'];
}

/** Someone who opens pages and sends the forms that stand on them, signed in with a cookie or without. */
export class PageVisitor {
  readonly #town: Site;
  /** What pages set on the way, by name. */
  readonly #jar = new Map<string, string>();
  readonly cookie: string | undefined;

  constructor(town: Site, cookie?: string) {
    this.#town = town;
    this.cookie = cookie;
  }

  /** Opens a page, following redirects on this server. */
  async open(path: string): Promise<SeenPage> {
    return await this.#follow(await this.#request(path), path);
  }

  /** Opens `path`, fills in the form that is sent to `action`, sends it, and answers the page that comes then. */
  async send(
    path: string,
    action: string,
    fields: Readonly<Record<string, string | Blob>> = {},
  ): Promise<SeenPage> {
    return await this.#follow(await this.post(path, action, fields), action);
  }

  /** As `send`, but answers what came back, redirects not followed. */
  async post(
    path: string,
    action: string,
    fields: Readonly<Record<string, string | Blob>> = {},
  ): Promise<Response> {
    const { html } = await this.open(path);
    const form = formFor(html, action, fields);
    if (form === undefined) throw new Error(`${path} has no form for ${action}`);
    const body = form.files ? new FormData() : new URLSearchParams();
    for (const [name, value] of Object.entries({ ...form.hidden, ...fields }))
      body.append(name, value as string);
    return await this.#request(action, body);
  }

  /** Sends fields as they are, with no page opened before: what a forger can do. */
  async forge(action: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    return await this.#request(action, new URLSearchParams(fields));
  }

  async #request(path: string, body?: FormData | URLSearchParams): Promise<Response> {
    const cookies = [...(this.cookie === undefined ? [] : [this.cookie])];
    for (const [name, value] of this.#jar) cookies.push(`${name}=${value}`);
    const headers: Record<string, string> = cookies.length === 0 ? {} : { Cookie: cookies.join('; ') };
    const init = body === undefined ? { headers } : { method: 'POST', headers, body };
    const response = await this.#town.fetch(path, init);
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects and pages that go on by themselves, as long as they stay on this server. */
  async #follow(answer: Response, from: string): Promise<SeenPage> {
    let response = answer;
    let path = from;
    let html = await response.text();
    for (let hops = 0; hops < 8; hops += 1) {
      const target = response.headers.get('location') ?? onwardOf(html);
      const origin = this.#town.origin ?? 'http://here';
      const url = target === undefined ? undefined : new URL(target, origin);
      if (url === undefined || url.origin !== origin) break;
      path = url.pathname + url.search;
      response = await this.#request(path);
      html = await response.text();
    }
    return { status: response.status, path, html, text: textOf(html) };
  }
}

/** Where a page goes on to by itself. */
function onwardOf(html: string): string | undefined {
  const found = /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1];
  return found === undefined ? undefined : unescaped(found);
}

interface FoundForm {
  readonly hidden: Readonly<Record<string, string>>;
  readonly files: boolean;
}

/**
 * The form of a page that is sent to `action`, with its hidden fields. Of several the one whose hidden fields say the same
 * as `fields`, such as the way in which an app is registered.
 */
function formFor(
  html: string,
  action: string,
  fields: Readonly<Record<string, unknown>>,
): FoundForm | undefined {
  const forms: FoundForm[] = [];
  for (const [, attributes = '', inside = ''] of html.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)) {
    if (attributeOf(attributes, 'action') !== action) continue;
    const hidden: Record<string, string> = {};
    for (const [tag] of inside.matchAll(/<input[^>]*type="hidden"[^>]*>/g))
      hidden[attributeOf(tag, 'name') ?? ''] = attributeOf(tag, 'value') ?? '';
    forms.push({ hidden, files: attributes.includes('multipart/form-data') });
  }
  const agrees = ({ hidden }: FoundForm): boolean =>
    Object.entries(hidden).every(([name, value]) => !(name in fields) || fields[name] === value);
  return forms.find(agrees) ?? forms[0];
}

function attributeOf(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return found === undefined ? undefined : unescaped(found);
}

const textOf = (html: string): string =>
  unescaped(html.replace(/<head>[\s\S]*?<\/head>/, ' ').replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();

const unescaped = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
