import { openCors, preflight } from './cors.ts';
import type { Door } from './door.ts';

/** A JSON document that is the same for everyone: `GET` and `HEAD`, from any origin, kept by caches for five minutes. */
export function documentDoor(document: unknown): Door {
  const text = JSON.stringify(document);
  return async (request) => {
    if (request.method === 'OPTIONS') return preflight('GET, HEAD');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return new Response(null, { status: 405, headers: { ...openCors, Allow: 'GET, HEAD' } });
    return new Response(request.method === 'HEAD' ? null : text, {
      headers: { ...openCors, 'Content-Type': 'application/json', 'Cache-Control': 'max-age=300' },
    });
  };
}
