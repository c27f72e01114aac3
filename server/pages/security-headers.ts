/**
 * Headers of every page. Nothing is loaded from elsewhere, nothing inline runs or styles, nobody frames us.
 *
 * `form-action 'self'` also holds for the redirects that answer a form in Chromium. A form whose answer leads to another
 * origin (an OAuth client, a sign-in on its way there) is therefore answered with `onward`, never with a redirect.
 * `Referrer-Policy: same-origin` and not `no-referrer`: with the latter browsers send `Origin: null` with forms.
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self' data:",
    "script-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
