const BODY = `${JSON.stringify({ error: { code: 500, message: null } }, null, 1)}\n`;

/**
 * The answer of 2013 to a missing token or an app that is not owned: 52 bytes that tell nothing, with the headers of the
 * capture of 2013-05-20 (reference 1.2).
 */
export function historicError(): Response {
  return new Response(BODY, {
    status: 500,
    headers: {
      'Content-Type': 'application/json; charset=UTF-8',
      'Cache-Control': 'private, max-age=0',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'SAMEORIGIN',
      'X-XSS-Protection': '1; mode=block',
      Server: 'GSE',
    },
  });
}
