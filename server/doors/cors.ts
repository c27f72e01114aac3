/**
 * Cross-origin rules of the API doors: any origin, because no cookie has authority there; a token does.
 * Expose lists the headers that our own clients read.
 */
export const openCors: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Reveille-Message, Reveille-Hint, Retry-After, WWW-Authenticate',
};

/** Adds the open CORS headers to an answer. */
export function withCors(response: Response): Response {
  for (const [name, value] of Object.entries(openCors)) response.headers.set(name, value);
  return response;
}

/** Answers a preflight for `methods`, such as "GET, POST"; `headers` are those beside the token and the type. */
export function preflight(methods: string, headers?: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...openCors,
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': [
        'Authorization',
        'Content-Type',
        ...(headers === undefined ? [] : [headers]),
      ].join(', '),
      'Access-Control-Max-Age': '7200',
      // Chromium asks before a public page reaches a private address; a token still decides.
      'Access-Control-Allow-Private-Network': 'true',
    },
  });
}
