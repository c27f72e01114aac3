import type { Client } from './clients.ts';

/**
 * `client_secrets.json` as the console gives it for download (reference 3.4). Google's libraries take the endpoints from
 * this file, so a program that reads it talks to this server with no other change.
 * @param origin of this server, such as `https://push.example`
 */
export function clientSecretsFile(origin: string, client: Client, secret: string): string {
  const members = {
    auth_provider_x509_cert_url: `${origin}/oauth2/v1/certs`,
    auth_uri: `${origin}/o/oauth2/auth`,
    client_email: '',
    client_id: client.id,
    client_secret: secret,
    redirect_uris: client.redirectUris,
    token_uri: `${origin}/o/oauth2/token`,
  };
  return `${JSON.stringify({ [client.kind]: members }, null, 2)}\n`;
}
