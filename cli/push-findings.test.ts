import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certified, issueCertificate, makeAuthority } from '../server/config/certificates.ts';
import { checkPushHosts } from './push-findings.ts';

const program = new URL('../bin/reveille', import.meta.url).pathname;
let authority: Certified;
let server: Bun.Server<undefined>;

const serve = ({ cert, key }: Certified) =>
  Bun.serve({ hostname: '127.0.0.1', port: 0, tls: { cert, key }, fetch: () => new Response() });

beforeAll(async () => {
  authority = await makeAuthority(new Date());
  server = serve(await issueCertificate(authority, ['localhost'], new Date()));
});
afterAll(() => server.stop(true));

const findingsOf = (hosts: readonly string[], privateAddresses = true) =>
  checkPushHosts({ push: { hosts, privateAddresses, contact: undefined } });

describe('the push services that serve may call', () => {
  test('WK26 when there is none that is a note, and how to have some', async () => {
    const [finding] = await findingsOf([]);
    expect(finding).toMatchObject({ state: 'note', mend: expect.stringContaining('--push-hosts vendors') });
  });

  test('WK26 one of many names is allowed and not looked at', async () => {
    expect(await findingsOf(['*.push.example'])).toMatchObject([{ state: 'good' }]);
  });

  test('WK26 a name that nobody has, and a port where nothing answers, are wrong', async () => {
    const [unknown, closed] = await findingsOf(['push.invalid', 'localhost:9']);
    expect(unknown).toMatchObject({ state: 'wrong', fact: expect.stringContaining('not found') });
    expect(closed).toMatchObject({ state: 'wrong', mend: expect.stringContaining('firewall') });
  });

  test('WK26 an address that is not public is wrong, unless any may be called', async () => {
    const [finding] = await findingsOf([`localhost:${server.port}`], false);
    expect(finding).toMatchObject({ state: 'wrong', mend: expect.stringContaining('--push-addresses any') });
  });

  test('WK26 a certificate that nobody vouches for is wrong, one of an authority that serve is given is good', async () => {
    const [doubted] = await findingsOf([`localhost:${server.port}`]);
    expect(doubted).toMatchObject({ state: 'wrong', mend: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    const folder = await mkdtemp(join(tmpdir(), 'reveille-push-findings-'));
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, authority.cert);
    const hosts = ['--push-hosts', `localhost:${server.port}`, '--push-addresses', 'any'];
    const doctor = Bun.spawn([program, 'doctor', '--push', ...hosts, '--port', '0', '--data', folder], {
      stdout: 'pipe',
      env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
    });
    expect(await new Response(doctor.stdout).text()).toContain(
      `ok     push service localhost:${server.port}: answers`,
    );
    await rm(folder, { recursive: true });
  });
});
