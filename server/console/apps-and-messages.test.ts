import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor, type SeenPage } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { Kept } from '../core/store.ts';
import { readKeyFile, readPublicKey } from '../webstore/app-key.ts';

const PASSWORD = 'correct horse battery';
const pair = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const { id: pairId } = readPublicKey(pair.publicKey);

let town: ConsoleTown;
let ann: PageVisitor;
let bob: PageVisitor;
let annAccount: Account;
let bobAccount: Account;

async function enter(name: string): Promise<{ account: Account; visitor: PageVisitor }> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, PASSWORD);
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeEach(async () => {
  town = await ConsoleTown.open({ clock: new ManualClock(Date.now()) });
  ({ visitor: ann, account: annAccount } = await enter('ann'));
  ({ visitor: bob, account: bobAccount } = await enter('bob'));
});

afterEach(async () => {
  await town[Symbol.asyncDispose]();
});

const pem = (text: string): Blob => new File([text], 'key.pem');
const appIn = (seen: SeenPage): AppId => /\/console\/apps\/([a-p]{32})/.exec(seen.path)?.[1] as AppId;

/** An app of bob's with a pair of ours, a project that may send, and a device of bob's. */
async function bobsTown(): Promise<{ app: AppId; project: string; channel: string; group: string }> {
  const group = await town.webstore.groups.create(bobAccount.id, 'Bob');
  const { id: app } = await town.webstore.apps.register(bobAccount.id, group, 'Reader', { kind: 'made' });
  const { id: project } = await town.oauth.projects.create(bobAccount, 'Paper');
  await town.oauth.projects.setMessaging(bobAccount, project, true);
  await town.devices.register({ account: bobAccount.id, app, name: 'laptop' });
  return { app, project, group, channel: (await town.receiving.open(bobAccount.id, app)).id };
}

describe('names of subchannels', () => {
  test('SB4 are set on the page of the app; a wrong line goes back to the form', async () => {
    const { app } = await bobsTown();
    const home = `/console/apps/${app}`;
    const form = { title: 'Reader', channelConsent: 'none', origins: '', redirectUris: '' };
    const bad = await bob.send(home, home, { ...form, subchannels: '0 news\n32 sport' });
    expect([bad.status, bad.text.includes('32 sport')]).toEqual([400, true]);
    await bob.send(home, home, { ...form, subchannels: '0 news\n5 alerts' });
    expect([...((await town.webstore.apps.find(app))?.subchannelNames ?? [])]).toEqual([
      ['news', 0],
      ['alerts', 5],
    ]);
    expect((await bob.open(home)).html).toContain('5 alerts');
  });

  test('SB4 the test page offers those of the own apps, and sends to the number that the app has for the name', async () => {
    const { app, project, channel } = await bobsTown();
    const home = `/console/apps/${app}`;
    const form = { title: 'Reader', channelConsent: 'none', origins: '', redirectUris: '' };
    await bob.send(home, home, { ...form, subchannels: '2 news\n5 alerts' });
    const seen = await bob.open('/console/test');
    expect(seen.html).toContain('news (2 of Reader)');
    expect(seen.html).not.toContain('alerts');
    const send = (subchannel: string) =>
      bob.send('/console/test', '/console/test', { project, channel, subchannel, payload: 'x' });
    expect((await send('news')).status).toBe(200);
    const wrong = await send('alerts');
    expect([wrong.status, wrong.text.includes('It has: news.')]).toEqual([400, true]);
    const slots = (await town.store.trace({ project }, 10)).map(({ slot }) => slot);
    expect(slots).toEqual(['2']);
  });
});

describe('registering apps', () => {
  test('CO9 with a fresh key: the page shows id and key, and a group of the same name was made', async () => {
    const seen = await bob.send('/console/apps/new', '/console/apps', { source: 'made', title: 'Reader' });
    const id = appIn(seen);
    const key = /"key": "([A-Za-z0-9+/=]+)",/.exec(seen.text)?.[1] ?? '';
    expect(readPublicKey(key).id).toBe(id);
    expect(seen.text).toContain('proven');
    expect((await town.webstore.groups.ofAccount(bobAccount.id)).map(({ name }) => name)).toEqual(['bob']);
  });

  test('CO9 by public key: unproven with a warning, and the signed challenge of the page proves it', async () => {
    const seen = await bob.send('/console/apps/new', '/console/apps', {
      source: 'public-key',
      title: 'Reader',
      key: pair.publicKey,
    });
    expect(appIn(seen)).toBe(pairId);
    expect(seen.text).toContain('Registered by its public key alone');
    const challenge = /printf %s (reveille-proof-[0-9a-f-]+) \|/.exec(seen.text)?.[1] ?? '';
    const signature = sign('sha256', Buffer.from(challenge), createPrivateKey(pair.privateKey)).toString(
      'base64',
    );
    const home = `/console/apps/${pairId}`;
    const bad = await bob.send(home, `${home}/proof`, {
      kind: 'signature',
      challenge,
      signature: signature.replace(/^.{4}/, 'AAAA'),
    });
    expect([bad.status, bad.text.includes('not by the private key')]).toEqual([400, true]);
    expect(
      (await bob.send(home, `${home}/proof`, { kind: 'signature', challenge, signature })).text,
    ).toContain('Proven');
    expect((await town.webstore.apps.find(pairId))?.proven).toBe(true);
  });

  test('CO9 with key.pem by an upload; a key that is none goes back to the form', async () => {
    const { html } = await bob.open('/console/apps/new');
    expect(html).toContain('enctype="multipart/form-data"');
    const sent = async (file: Blob, visitor = bob): Promise<SeenPage> =>
      await visitor.send('/console/apps/new', '/console/apps', { source: 'key-file', title: 'Reader', file });
    const bad = await sent(pem('hello'));
    expect([bad.status, bad.text.includes('no private key')]).toEqual([400, true]);
    expect((await sent(pem(''))).text).toContain('Choose a file first');
    expect(appIn(await sent(pem(pair.privateKey)))).toBe(pairId);
    expect((await sent(pem(pair.privateKey), ann)).text).toContain('another publisher group');
  });

  test('CO9 an app that another group claims without proof leads to the page that takes the proof', async () => {
    await bob.send('/console/apps/new', '/console/apps', {
      source: 'public-key',
      title: 'Mine',
      key: pair.publicKey,
    });
    const claim = await ann.send('/console/apps/new', '/console/apps', {
      source: 'public-key',
      title: 'Reader',
      key: pair.publicKey,
    });
    expect(claim.path).toStartWith('/console/apps/claim?');
    expect(claim.text).toContain('This app is claimed already');
    const wrong = await ann.send(claim.path, '/console/apps/claim', {
      kind: 'package',
      file: new File(['Cr24'], 'x.crx'),
    });
    expect([wrong.status, wrong.text.includes('does not begin as a CRX file')]).toEqual([400, true]);
    const taken = await ann.send(claim.path, '/console/apps/claim', {
      kind: 'key-file',
      file: pem(pair.privateKey),
    });
    expect(appIn(taken)).toBe(pairId);
    expect((await bob.open(`/console/apps/${pairId}`)).status).toBe(404);
    const [mine] = await town.webstore.groups.ofAccount(bobAccount.id);
    expect((await bob.open(`/console/groups/${mine?.group}`)).text).toContain('went to a group that proved');
  });

  test('CO10 a form above its limit is refused with the limit, whether it says its length or not', async () => {
    const big = 'x'.repeat(70 * 1024);
    const seen = await bob.send('/console/projects', '/console/projects', { name: big });
    expect([seen.status, seen.text.includes('at most 64 KiB')]).toEqual([413, true]);
    await bobsTown();
    const unproven = appIn(
      await bob.send('/console/apps/new', '/console/apps', {
        source: 'public-key',
        title: 'Old',
        key: pair.publicKey,
      }),
    );
    const home = `/console/apps/${unproven}`;
    const huge = new File([new Uint8Array(16 * 1024 * 1024 + 70 * 1024)], 'x.crx');
    const crx = await bob.send(home, `${home}/proof`, { kind: 'package', file: huge });
    expect([crx.status, crx.text.includes('at most 16')]).toEqual([413, true]);
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(big));
      },
    });
    const headers = { Cookie: bob.cookie ?? '', 'Content-Type': 'application/x-www-form-urlencoded' };
    const endless = await town.fetch('/console/projects', { method: 'POST', headers, body: stream });
    expect(endless.status).toBe(413);
  });

  test('CO11 the private key leaves after the password, to an owner only', async () => {
    const { app, group } = await bobsTown();
    const home = `/console/apps/${app}`;
    expect((await bob.send(home, `${home}/key`, { password: 'no' })).text).toContain('not the password');
    const answer = await bob.post(home, `${home}/key`, { password: PASSWORD });
    expect(answer.headers.get('content-disposition')).toContain('key.pem');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(readKeyFile(await answer.text()).id).toBe(app);
    await town.webstore.groups.invite(bobAccount.id, group, 'ann@example.com');
    await town.webstore.groups.answer(annAccount.id, group, true);
    expect((await ann.open(home)).html).not.toContain(`${home}/key`);
    const forged = await ann.forge(`${home}/key`, {
      password: PASSWORD,
      form_token: await town.formToken(annAccount.id, `${home}/key`),
    });
    expect(forged.status).toBe(403);
  });

  test('AP13 every form of an app is refused to a member and to a stranger', async () => {
    const { app, group } = await bobsTown();
    const home = `/console/apps/${app}`;
    const forge = async (part: string): Promise<number> =>
      (
        await ann.forge(`${home}${part}`, {
          title: 'x',
          sure: 'yes',
          group,
          form_token: await town.formToken(annAccount.id, `${home}${part}`),
        })
      ).status;
    const parts = ['', '/transfer', '/remove', '/key'];
    for (const part of parts) expect([part, await forge(part)]).toEqual([part, 404]);
    await town.webstore.groups.invite(bobAccount.id, group, 'ann@example.com');
    for (const part of parts) expect([part, await forge(part)]).toEqual([part, 404]);
    await town.webstore.groups.answer(annAccount.id, group, true);
    for (const part of parts) expect([part, await forge(part)]).toEqual([part, 403]);
    expect((await town.webstore.apps.find(app))?.title).toBe('Reader');
  });

  test('AP10 an invitation stands on the overview of who was asked, and joins by that form', async () => {
    const { group, app } = await bobsTown();
    const home = `/console/groups/${group}`;
    expect((await bob.send(home, `${home}/invite`, { email: 'nobody@example.com' })).text).toContain(
      'sign up first',
    );
    expect((await bob.send(home, `${home}/invite`, { email: 'ann@example.com' })).text).toContain('Invited');
    expect((await ann.open('/console')).text).toContain('You are invited to the publisher group Bob');
    expect((await ann.open(home)).status).toBe(404);
    expect((await ann.send('/console', `${home}/answer`, { accept: 'yes' })).text).toContain(
      'You are a member',
    );
    expect((await ann.open(`/console/apps/${app}`)).text).toContain('Reader');
    expect((await bob.send(home, `${home}/role`, { account: annAccount.id, role: 'owner' })).text).toContain(
      'Make member',
    );
    expect((await ann.send(home, `${home}/remove`, { account: annAccount.id })).path).toBe(
      '/console/apps?done=left-group',
    );
    expect((await ann.open(home)).status).toBe(404);
  });

  test('AP12 settings, move and removal by their forms', async () => {
    const { app } = await bobsTown();
    const other = await town.webstore.groups.create(bobAccount.id, 'Company');
    const home = `/console/apps/${app}`;
    expect(
      (
        await bob.send(home, home, {
          title: 'Reader 2',
          channelConsent: 'none',
          origins: '',
          redirectUris: 'https://a.example/x',
        })
      ).text,
    ).toContain('always asks');
    const bad = await bob.send(home, home, {
      title: 'Reader 2',
      channelConsent: 'none',
      origins: 'nonsense',
      redirectUris: '',
    });
    expect([bad.status, bad.html.includes('nonsense</textarea>')]).toEqual([400, true]);
    expect((await bob.send(home, `${home}/transfer`, { group: other, sure: 'yes' })).text).toContain(
      'Company',
    );
    expect((await bob.send(home, `${home}/remove`, {})).text).toContain('Tick the box');
    expect((await bob.send(home, `${home}/remove`, { sure: 'yes' })).path).toBe(
      '/console/apps?done=app-removed',
    );
    expect((await town.receiving.apps(bobAccount.id)).length).toBe(0);
  });
});

describe('test messages', () => {
  test('CO12 a test to oneself is kept, counted, and shown with its device', async () => {
    const { project, channel, app } = await bobsTown();
    const form = await bob.open(`/console/test?app=${app}`);
    expect(form.html).toContain(`value="${channel}" selected`);
    const seen = await bob.send('/console/test', '/console/test', {
      project,
      channel,
      subchannel: '2',
      payload: 'Guten\r\nMorgen ☀',
    });
    expect(seen.path).toBe(`/console/projects/${project}/messages?done=sent`);
    expect(seen.text).toContain('Guten Morgen ☀');
    expect(seen.text).toContain('waiting laptop');
    expect((await town.store.trace({ project }, 1))[0]).toMatchObject({
      payload: 'Guten\nMorgen ☀',
      slot: '2',
    });
    expect((await bob.open(`/console/projects/${project}`)).text).toContain('1 of 10,000 messages');
  });

  test('CO12 each step of the way refuses, and nothing is kept', async () => {
    const { project, channel, app, group } = await bobsTown();
    const send = (fields: Record<string, string>, visitor = bob): Promise<SeenPage> =>
      visitor.send('/console/test', '/console/test', {
        project,
        channel,
        other: '',
        subchannel: '0',
        payload: 'x',
        ...fields,
      });
    for (const [fields, status, words] of [
      [{ other: 'nonsense' }, 400, 'Channel ID is invalid'],
      [{ other: `00000000000000000001/${app}` }, 400, 'No user has this channel'],
      [{ subchannel: '4' }, 400, 'Subchannel is invalid'],
      [{ payload: 'é'.repeat(129) }, 400, 'It has 258 bytes'],
      [{ other: `00000000000000000001/${'a'.repeat(32)}` }, 403, 'does not own'],
      [{ project: '000000000000' }, 404, 'no such project'],
    ] as const) {
      const seen = await send(fields);
      expect([seen.status, seen.text.includes(words)]).toEqual([status, true]);
    }
    await town.oauth.projects.setMessaging(bobAccount, project, false);
    expect((await send({})).text).toContain('Access Not Configured');
    await town.oauth.projects.setMessaging(bobAccount, project, true);
    await town.join(bobAccount, project, annAccount, 'viewer');
    const { id: annsOwn } = await town.oauth.projects.create(annAccount, 'Own');
    const asViewer = await send({}, ann);
    expect(asViewer.status).toBe(403);
    await town.oauth.projects.setMessaging(annAccount, annsOwn, true);
    expect((await send({ project: annsOwn, other: channel }, ann)).text).toContain('does not own');
    expect(await town.store.trace({ project }, 10)).toEqual([]);
    expect(group).not.toBe('');
  });

  test('CO12 what was typed stays in the form when it is refused', async () => {
    const { project } = await bobsTown();
    const seen = await bob.send('/console/test', '/console/test', {
      project,
      channel: '',
      other: 'nonsense',
      subchannel: '3',
      payload: 'Keep me',
    });
    expect(seen.html).toContain('value="nonsense"');
    expect(seen.html).toContain('Keep me</textarea>');
    expect(seen.html).toMatch(/<option value="3" selected/);
  });

  test('CO12 an unproven app reaches its own group and nobody else', async () => {
    const { project } = await bobsTown();
    await bob.send('/console/apps/new', '/console/apps', {
      source: 'public-key',
      title: 'Old',
      key: pair.publicKey,
    });
    const toAnn = (await town.receiving.open(annAccount.id, pairId)).id;
    const toBob = (await town.receiving.open(bobAccount.id, pairId)).id;
    const send = (other: string): Promise<SeenPage> =>
      bob.send('/console/test', '/console/test', { project, other, subchannel: '0', payload: 'x' });
    const refused = await send(toAnn);
    expect([refused.status, refused.text.includes('Prove that you hold its private key')]).toEqual([
      403,
      true,
    ]);
    expect((await send(toBob)).text).toContain('Accepted and kept');
  });

  test('CO13 a message shows how it stands on each device', async () => {
    const { app, project, channel } = await bobsTown();
    const found = await town.store.findChannel(channel as never);
    if (found === undefined) throw new Error('the channel is there');
    const keep = (slot: string, payload: string): Promise<Kept> =>
      town.store.keep({
        channel: found.key,
        slot,
        payload,
        expiresAt: Date.now() + 1e9,
        project,
        dailyQuota: 0,
        quotaDay: '2026-01-01',
      });
    const laptop = (await town.store.devicesOf(found.key))[0];
    const { device: phone } = await town.devices.register({ account: bobAccount.id, app, name: 'phone' });
    if (laptop === undefined) throw new Error('the laptop is there');
    const first = await keep('0', 'first');
    await town.store.confirm(laptop.key, first.version);
    for (let run = 0; run < 8; run += 1) await town.store.runFailed(phone.key, first.version);
    const second = await keep('1', 'second');
    await town.store.confirm(phone.key, second.version);
    town.deliveries.connect(laptop, { offer: () => 'taken', caughtUp() {}, end() {} });
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
    const { text } = await bob.open(`/console/projects/${project}/messages`);
    expect(text).toMatch(/second .*offered to laptop confirmed phone/);
    expect(text).toMatch(/first .*confirmed laptop failed phone The handler failed 8 times/);
    const { id: idle } = await town.webstore.apps.register(
      bobAccount.id,
      (await town.webstore.groups.ofAccount(bobAccount.id))[0]?.group ?? '',
      'Idle',
      { kind: 'made' },
    );
    const nobody = (await town.receiving.open(bobAccount.id, idle)).id;
    const sent = await bob.send('/console/test', '/console/test', {
      project,
      other: nobody,
      subchannel: '0',
      payload: '',
    });
    expect(sent.text).toMatch(/\(empty\) .*accepted No device was registered then/);
  });
});

describe('receiving', () => {
  test('CO14 pause, resume and remove by their forms, with what came', async () => {
    const { app, channel, project } = await bobsTown();
    const home = `/console/receiving/${app}`;
    expect((await bob.open('/console/receiving')).text).toContain('Reader');
    expect((await bob.send('/console/receiving', `${home}/pause`)).text).toContain('Paused');
    await bob.send('/console/test', '/console/test', {
      project,
      channel,
      subchannel: '0',
      payload: 'While paused',
    });
    expect((await bob.open(home)).text).toContain('While paused');
    expect((await bob.send('/console/receiving', `${home}/resume`)).text).toContain('Resumed');
    expect((await bob.send('/console/receiving', `${home}/remove`)).text).toContain('Tick the box');
    expect((await bob.send('/console/receiving', `${home}/remove`, { sure: 'yes' })).text).toContain(
      'No app may send to you yet',
    );
    const refused = await bob.send('/console/test', '/console/test', {
      project,
      other: channel,
      subchannel: '0',
      payload: 'x',
    });
    expect(refused.text).toContain('The user removed the app');
  });

  test('CO14 a device is signed out by its own account only', async () => {
    const { app } = await bobsTown();
    const [mine] = await town.receiving.apps(bobAccount.id);
    const action = `/console/receiving/devices/${mine?.devices[0]?.id}`;
    const foreign = await ann.forge(action, { form_token: await town.formToken(annAccount.id, action) });
    expect(foreign.status).toBe(404);
    const pause = `/console/receiving/${app}/pause`;
    expect((await ann.forge(pause, { form_token: await town.formToken(annAccount.id, pause) })).status).toBe(
      404,
    );
    expect((await ann.open(`/console/receiving/${app}`)).status).toBe(404);
    expect((await bob.send('/console/receiving', action)).text).toContain('No device at the moment');
  });
});
