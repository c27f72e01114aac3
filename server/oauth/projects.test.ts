import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type ErrorCode, ReveilleError } from '../../protocol/errors.ts';
import { audit } from '../accounts/audit.ts';
import { bounds } from './bounds.ts';
import { clientSecretsFile } from './client-secrets-file.ts';
import { callback, openTown, origin, type Person, type Town } from './fixture.test.ts';

let town: Town;
let owner: Person;
let editor: Person;
let viewer: Person;
let stranger: Person;
let project: string;

beforeAll(async () => {
  town = await openTown();
  owner = await town.person('olga');
  editor = await town.person('eve');
  viewer = await town.person('vic');
  stranger = await town.person('sam');
  project = (await town.projects.create(owner, '  Streams ')).id;
  await town.join(owner, project, editor, 'editor');
  await town.join(owner, project, viewer, 'viewer');
});

afterAll(async () => {
  await town.close();
});

async function refusal(work: Promise<unknown>): Promise<ErrorCode | 'done'> {
  return await work.then(
    () => 'done' as const,
    (thrown: unknown) => {
      if (thrown instanceof ReveilleError) return thrown.code;
      throw thrown;
    },
  );
}

describe('projects', () => {
  test('OA2 a project has 12 digits, and is made with messaging off', async () => {
    expect(project).toMatch(/^[1-9][0-9]{11}$/);
    expect(await town.projects.get(owner, project)).toMatchObject({
      name: 'Streams',
      messagingEnabled: false,
      dailyQuota: null,
      payloadBytes: null,
      role: 'owner',
    });
  });

  test('OA27 what each role may do', async () => {
    const { projects, team, clients } = town;
    const client = { name: 'x', redirectUris: [] };
    const table: readonly [string, (who: Person) => Promise<unknown>, readonly (ErrorCode | 'done')[]][] = [
      ['get', (who) => projects.get(who, project), ['done', 'done', 'done', 'not-found']],
      ['members', (who) => team.members(who, project), ['done', 'done', 'done', 'not-found']],
      ['clients', (who) => clients.list(who, project), ['done', 'done', 'done', 'not-found']],
      [
        'rename',
        (who) => projects.rename(who, project, 'Streams'),
        ['done', 'done', 'forbidden', 'not-found'],
      ],
      [
        'switch',
        (who) => projects.setMessaging(who, project, true),
        ['done', 'done', 'forbidden', 'not-found'],
      ],
      ['client', (who) => clients.create(who, project, client), ['done', 'done', 'forbidden', 'not-found']],
      [
        'member',
        (who) => team.setRole(who, project, viewer.id, 'viewer'),
        ['done', 'forbidden', 'forbidden', 'not-found'],
      ],
      [
        'take out',
        (who) => team.remove(who, project, 'nobody'),
        ['input-invalid', 'forbidden', 'forbidden', 'not-found'],
      ],
      [
        'limits',
        (who) =>
          projects.setLimits(who, project, {
            dailyQuota: 1,
            payloadBytes: null,
            dailyTargets: null,
            subchannels: null,
          }),
        ['forbidden', 'forbidden', 'forbidden', 'forbidden'],
      ],
      ['all', (who) => projects.all(who), ['forbidden', 'forbidden', 'forbidden', 'forbidden']],
    ];
    for (const [what, act, expected] of table) {
      const told = [];
      for (const who of [owner, editor, viewer, stranger]) told.push(await refusal(act(who)));
      expect([what, ...told]).toEqual([what, ...expected]);
    }
    expect(await refusal(projects.remove(editor, project))).toBe('forbidden');
  });

  test('OA27 the administrator sees every project, sets its limits, and is no member', async () => {
    const { ann, projects } = town;
    expect((await projects.all(ann)).map(({ id }) => id)).toContain(project);
    expect((await projects.get(ann, project)).role).toBe('viewer');
    expect(await refusal(projects.rename(ann, project, 'Mine'))).toBe('forbidden');
    await projects.setLimits(ann, project, {
      dailyQuota: 0,
      payloadBytes: bounds.payloadBytesMax,
      dailyTargets: null,
      subchannels: null,
    });
    expect(await projects.get(owner, project)).toMatchObject({
      dailyQuota: 0,
      payloadBytes: bounds.payloadBytesMax,
    });
    for (const wrong of [
      { dailyQuota: -1, payloadBytes: null, dailyTargets: null, subchannels: null },
      { dailyQuota: 1.5, payloadBytes: null, dailyTargets: null, subchannels: null },
      { dailyQuota: Number.NaN, payloadBytes: null, dailyTargets: null, subchannels: null },
      { dailyQuota: null, payloadBytes: 0, dailyTargets: null, subchannels: null },
      { dailyQuota: null, payloadBytes: null, dailyTargets: -1, subchannels: null },
      { dailyQuota: null, payloadBytes: bounds.payloadBytesMax + 1, dailyTargets: null, subchannels: null },
    ]) {
      expect(await refusal(projects.setLimits(ann, project, wrong))).toBe('input-invalid');
    }
    await projects.setLimits(ann, project, {
      dailyQuota: null,
      payloadBytes: null,
      dailyTargets: null,
      subchannels: null,
    });
  });

  test('OA27 a project keeps an owner, whatever is tried', async () => {
    expect(await refusal(town.team.setRole(owner, project, owner.id, 'viewer'))).toBe('input-invalid');
    expect(await refusal(town.team.remove(owner, project, owner.id))).toBe('input-invalid');
    expect((await town.projects.get(owner, project)).role).toBe('owner');
    const members = await town.team.members(owner, project);
    expect(members.map(({ email, role }) => [email, role])).toEqual([
      ['olga@example.com', 'owner'],
      ['eve@example.com', 'editor'],
      ['vic@example.com', 'viewer'],
    ]);
  });

  test('OA27 a member may leave, and what happened is in the audit log', async () => {
    await town.join(owner, project, stranger, 'viewer');
    expect((await town.projects.of(stranger)).map(({ id, role }) => [id, role])).toEqual([
      [project, 'viewer'],
    ]);
    await town.team.remove(stranger, project, stranger.id);
    expect(await town.projects.of(stranger)).toEqual([]);
    const entries = await audit(town.db).recent({ subject: project, limit: 2 });
    expect(entries.map(({ account, event }) => [account, event])).toEqual([
      [stranger.id, 'project.member-removed'],
      [stranger.id, 'project.member-joined'],
    ]);
  });

  test('OA27 names are one to 80 characters, and projects of an account are bounded', async () => {
    for (const name of ['', '   ', 'x'.repeat(81)])
      expect(await refusal(town.projects.create(owner, name))).toBe('input-invalid');
    for (let count = 0; count < bounds.projectsPerAccount; count += 1)
      await town.projects.create(stranger, `P${count}`);
    expect(await refusal(town.projects.create(stranger, 'one more'))).toBe('input-invalid');
  });
});

describe('clients', () => {
  test('OA2 the shapes of a client id and a secret', async () => {
    const { client, secret } = await town.clients.create(owner, project, {
      name: 'Server',
      redirectUris: [callback],
    });
    expect(client.id).toMatch(new RegExp(`^${project}-[a-z0-9]{32}\\.apps\\.reveille$`));
    expect(secret).toMatch(/^[A-Za-z0-9_-]{24}$/);
  });

  test('OA28 the secret is sealed at rest, shown to editors only, and void once it is reset', async () => {
    const { client, secret } = await town.clients.create(owner, project, {
      name: 'Server',
      redirectUris: [],
    });
    const row = await town.db
      .selectFrom('clients')
      .select('secret_sealed')
      .where('id', '=', client.id)
      .executeTakeFirstOrThrow();
    expect(row.secret_sealed).not.toContain(secret);
    expect(await town.clients.secretOf(editor, client.id)).toBe(secret);
    expect(await refusal(town.clients.secretOf(viewer, client.id))).toBe('forbidden');
    expect(await refusal(town.clients.secretOf(stranger, client.id))).toBe('not-found');
    expect(await town.clients.authenticate(client.id, secret)).toEqual(client);
    const fresh = await town.clients.resetSecret(editor, client.id);
    expect(fresh).not.toBe(secret);
    for (const wrong of [secret, '', `${fresh}x`, fresh.slice(1), fresh.toLowerCase()]) {
      expect(await town.clients.authenticate(client.id, wrong)).toBeUndefined();
    }
    expect(await town.clients.authenticate('nobody', fresh)).toBeUndefined();
    expect(await town.clients.authenticate(client.id.replace(/-.{4}/, '-0000'), fresh)).toBeUndefined();
    expect((await town.clients.authenticate(client.id, fresh))?.id).toBe(client.id);
  });

  test('OA18 redirects are checked, trimmed and kept once; a wrong one is named', async () => {
    const redirectUris = [` ${callback} `, callback, '', 'http://localhost:8080/oauth2callback'];
    const { client } = await town.clients.create(owner, project, { name: 'Server', redirectUris });
    expect(client.redirectUris).toEqual([callback, 'http://localhost:8080/oauth2callback']);
    await town.clients.update(editor, client.id, { name: 'Renamed', redirectUris: ['https://b.example/'] });
    expect(await town.clients.get(viewer, client.id)).toMatchObject({
      name: 'Renamed',
      redirectUris: ['https://b.example/'],
    });
    const wrong = { name: 'Server', redirectUris: [callback, 'http://b.example/'] };
    expect(town.clients.update(editor, client.id, wrong)).rejects.toThrow(
      'http://b.example/ cannot be taken. Plain http',
    );
    expect(await refusal(town.clients.update(viewer, client.id, { name: 'x', redirectUris: [] }))).toBe(
      'forbidden',
    );
    const many = Array.from({ length: 21 }, (_, index) => `https://b.example/${index}`);
    expect(await refusal(town.clients.create(owner, project, { name: 'x', redirectUris: many }))).toBe(
      'input-invalid',
    );
  });

  test('OA28 a client that was removed is gone for everyone', async () => {
    const { client, secret } = await town.clients.create(owner, project, {
      name: 'Server',
      redirectUris: [],
    });
    expect(await refusal(town.clients.remove(stranger, client.id))).toBe('not-found');
    await town.clients.remove(editor, client.id);
    expect(await town.clients.find(client.id)).toBeUndefined();
    expect(await town.clients.authenticate(client.id, secret)).toBeUndefined();
    expect(await refusal(town.clients.get(owner, client.id))).toBe('not-found');
  });

  test('OA28 client_secrets.json names our addresses', async () => {
    const { client, secret } = await town.clients.create(owner, project, {
      name: 'Server',
      redirectUris: [callback],
    });
    expect(JSON.parse(clientSecretsFile(origin, client, secret))).toEqual({
      web: {
        auth_provider_x509_cert_url: `${origin}/oauth2/v1/certs`,
        auth_uri: `${origin}/o/oauth2/auth`,
        client_email: '',
        client_id: client.id,
        client_secret: secret,
        redirect_uris: [callback],
        token_uri: `${origin}/o/oauth2/token`,
      },
    });
    const installed = await town.clients.create(owner, project, {
      name: 'Tool',
      redirectUris: [],
      kind: 'installed',
    });
    expect(clientSecretsFile(origin, installed.client, secret)).toStartWith('{\n  "installed": {');
  });

  test('OA28 clients of a project are bounded', async () => {
    const busy = (await town.projects.create(owner, 'Busy')).id;
    const wanted = { name: 'x', redirectUris: [] };
    for (let count = 0; count < bounds.clientsPerProject; count += 1)
      await town.clients.create(owner, busy, wanted);
    expect(await refusal(town.clients.create(owner, busy, wanted))).toBe('input-invalid');
    await town.projects.remove(owner, busy);
    expect(await refusal(town.projects.get(owner, busy))).toBe('not-found');
  });
});
