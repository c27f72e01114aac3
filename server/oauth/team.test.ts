import { afterEach, beforeEach, expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import { audit, pruneAudit } from '../accounts/audit.ts';
import { bounds } from './bounds.ts';
import { openTown, type Person, type Town } from './fixture.test.ts';

let town: Town;
let bob: Person;

beforeEach(async () => {
  town = await openTown();
  bob = await town.person('bob');
});

afterEach(async () => {
  await town.close();
});

const emails = async (): Promise<readonly string[]> =>
  (await town.team.members(town.ann, town.project)).map(({ email, role }) => `${email} ${role}`);

test('TM1 an invited account has no right before its own yes, and none after its no', async () => {
  await town.team.invite(town.ann, town.project, ' BOB@example.com ', 'editor');
  expect(await town.team.invitationsOf(bob.id)).toEqual([
    { project: town.project, name: 'Guestbook', role: 'editor' },
  ]);
  await expect(town.projects.get(bob, town.project)).rejects.toMatchObject({ code: 'not-found' });
  await town.team.answer(bob, town.project, false);
  await expect(town.projects.get(bob, town.project)).rejects.toMatchObject({ code: 'not-found' });
  await expect(town.team.answer(bob, town.project, true)).rejects.toMatchObject({ code: 'not-found' });
  await town.join(town.ann, town.project, bob, 'editor');
  expect((await town.projects.get(bob, town.project)).role).toBe('editor');
});

test('TM1 an invitation is good for 14 days, and a second one takes the place of the first', async () => {
  await town.team.invite(town.ann, town.project, bob.email, 'owner');
  await town.team.invite(town.ann, town.project, bob.email, 'viewer');
  expect(await town.team.invitations(town.ann, town.project)).toMatchObject([{ role: 'viewer' }]);
  town.clock.advance(bounds.invitationMs);
  expect(await town.team.invitationsOf(bob.id)).toEqual([]);
  expect(await town.team.invitations(town.ann, town.project)).toEqual([]);
  await expect(town.team.answer(bob, town.project, true)).rejects.toMatchObject({ code: 'not-found' });
});

test('TM2 an address without an account is invited alike, and an account made later cannot answer', async () => {
  await town.team.invite(town.ann, town.project, 'bob@example.com', 'viewer');
  await town.team.invite(town.ann, town.project, 'carl@example.com', 'viewer');
  const waiting = await town.team.invitations(town.ann, town.project);
  expect(waiting.map((one) => Object.keys(one))).toEqual([
    Object.keys(waiting[0] ?? {}),
    Object.keys(waiting[0] ?? {}),
  ]);
  expect(waiting.map(({ role, expiresAt }) => [role, expiresAt])).toEqual([
    ['viewer', town.clock.now() + bounds.invitationMs],
    ['viewer', town.clock.now() + bounds.invitationMs],
  ]);
  const carl = await town.person('carl');
  expect(await town.team.invitationsOf(carl.id)).toEqual([]);
  await expect(town.team.answer(carl, town.project, true)).rejects.toMatchObject({ code: 'not-found' });
});

test('TM3 what is no address, a member, and one too many is refused', async () => {
  const invite = (email: string): Promise<void> => town.team.invite(town.ann, town.project, email, 'viewer');
  for (const wrong of ['', 'bob', 'a@b@c', `${'x'.repeat(250)}@e.com`, town.ann.email])
    await expect(invite(wrong)).rejects.toMatchObject({ code: 'input-invalid' });
  for (let count = 0; count < bounds.invitationsPerProject; count += 1) await invite(`p${count}@example.com`);
  await expect(invite('one-more@example.com')).rejects.toMatchObject({ code: 'input-invalid' });
  await invite('p0@example.com');
});

test('TM3 the last owner can neither leave nor become less, until there is another', async () => {
  const { team, ann, project } = town;
  await town.join(ann, project, bob, 'viewer');
  await expect(team.setRole(ann, project, ann.id, 'editor')).rejects.toMatchObject({ code: 'input-invalid' });
  await expect(team.remove(ann, project, ann.id)).rejects.toMatchObject({ code: 'input-invalid' });
  await expect(team.setRole(ann, project, 'nobody', 'owner')).rejects.toMatchObject({
    code: 'input-invalid',
  });
  await team.setRole(ann, project, bob.id, 'owner');
  await team.remove(ann, project, ann.id);
  expect((await team.members(bob, project)).map(({ email }) => email)).toEqual([bob.email]);
});

test('TM5 an owner who becomes less or leaves takes the invitations along that it gave', async () => {
  const { team, ann, project } = town;
  const carl = await town.person('carl');
  await town.join(ann, project, bob, 'owner');
  await team.invite(bob, project, carl.email, 'owner');
  await team.setRole(ann, project, bob.id, 'editor');
  await expect(team.answer(carl, project, true)).rejects.toMatchObject({ code: 'not-found' });
  await expect(team.invite(bob, project, carl.email, 'owner')).rejects.toMatchObject({ code: 'forbidden' });
});

test('TM7 the project of a deleted account goes to the member of the highest role', async () => {
  const carl = await town.person('carl');
  await town.accounts.create('admin@example.com', 'correct horse battery', 'admin');
  const { id } = await town.projects.create(carl, 'Letters');
  await town.join(carl, id, town.ann, 'viewer');
  await town.join(carl, id, bob, 'editor');
  await town.accounts.delete(carl.id);
  expect((await town.team.members(bob, id)).map(({ email, role }) => `${email} ${role}`)).toEqual([
    'bob@example.com owner',
    'ann@example.com viewer',
  ]);
  expect((await town.team.history(bob, id, 1))[0]).toMatchObject({
    who: 'the server',
    detail: 'bob@example.com owner',
  });
  expect(await emails()).toEqual(['ann@example.com owner']);
});

test('TM6 the audit log names who did what, in pages, to members only', async () => {
  await town.join(town.ann, town.project, bob, 'viewer');
  const all = await town.team.history(bob, town.project, 50);
  expect(all.map(({ who, event, detail }) => [who, event, detail]).slice(0, 2)).toEqual([
    ['bob@example.com', 'project.member-joined', 'bob@example.com viewer'],
    ['ann@example.com', 'project.member-invited', 'bob@example.com viewer'],
  ]);
  const first = await town.team.history(bob, town.project, 2);
  const rest = await town.team.history(bob, town.project, 50, first[1]?.id);
  expect([...first, ...rest]).toEqual([...all]);
  await town.team.remove(bob, town.project, bob.id);
  await expect(town.team.history(bob, town.project, 50)).rejects.toMatchObject({ code: 'not-found' });
});

test('TM6 old entries go, and of a crowded subject the oldest', async () => {
  const { db, clock } = town;
  const log = audit(db, clock);
  await pruneAudit(db, clock);
  clock.advance(limits.auditDays * 86_400_000 + 1);
  await log.record({ account: null, subject: 'quiet', event: 'project.created', detail: '' });
  for (let from = 0; from < limits.auditEntriesPerSubject + 3; from += 100) {
    const count = Math.min(100, limits.auditEntriesPerSubject + 3 - from);
    const entry = { account: null, subject: 'loud', event: 'project.renamed', at: clock.now() };
    const values = Array.from({ length: count }, (_, n) => ({ ...entry, detail: String(from + n) }));
    await db.insertInto('audit').values(values).execute();
  }
  await pruneAudit(db, clock);
  expect(await log.recent({ subject: town.project })).toEqual([]);
  expect(await log.recent({ subject: 'quiet' })).toHaveLength(1);
  const loud = await log.recent({ subject: 'loud', limit: 20_000 });
  expect([loud.length, loud.at(-1)?.detail]).toEqual([limits.auditEntriesPerSubject, '3']);
});
