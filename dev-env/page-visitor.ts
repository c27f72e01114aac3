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

/** Someone who opens pages and sends the forms that stand on them, with a cookie or without. */
export class PageVisitor {
  readonly #town: Pick<ConsoleTown, 'fetch'>;
  readonly cookie: string | undefined;

  constructor(town: Pick<ConsoleTown, 'fetch'>, cookie?: string) {
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
    const headers: Record<string, string> = this.cookie === undefined ? {} : { Cookie: this.cookie };
    return await this.#town.fetch(path, body === undefined ? { headers } : { method: 'POST', headers, body });
  }

  async #follow(answer: Response, from: string): Promise<SeenPage> {
    let response = answer;
    let path = from;
    for (let hops = 0; response.status === 303 && hops < 5; hops += 1) {
      path = response.headers.get('location') ?? '/';
      response = await this.#request(path);
    }
    const html = await response.text();
    return { status: response.status, path, html, text: textOf(html) };
  }
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
