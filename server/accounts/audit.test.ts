import { expect, test } from 'bun:test';
import { audit } from './audit.ts';
import { openControlDatabase } from './open-database.ts';

test('AN2 the newest entries come first, of a subject, of an account, or of all, as many as asked for', async () => {
  const { db, close } = await openControlDatabase(':memory:');
  const log = audit(db, { now: () => 1_700_000_000_000, after: () => () => {} });
  await log.record({ account: 'alice', subject: 'project-1', event: 'project.created', detail: 'Weather' });
  await log.record({ account: null, subject: 'project-2', event: 'project.created', detail: '' });
  await log.record({ account: 'bob', subject: 'project-1', event: 'project.renamed', detail: 'Storm' });
  const events = async (of?: Parameters<typeof log.recent>[0]) =>
    (await log.recent(of)).map(({ id, event }) => `${id} ${event}`);
  expect(await events()).toEqual(['3 project.renamed', '2 project.created', '1 project.created']);
  expect(await events({ subject: 'project-1' })).toEqual(['3 project.renamed', '1 project.created']);
  expect(await events({ account: 'alice' })).toEqual(['1 project.created']);
  expect(await events({ limit: 1 })).toEqual(['3 project.renamed']);
  expect((await log.recent({ account: 'bob' }))[0]?.at).toBe(1_700_000_000_000);
  await close();
});

test('AN2 an entry in a transaction that is rolled back is not kept', async () => {
  const { db, close } = await openControlDatabase(':memory:');
  const failing = db.transaction().execute(async (change) => {
    await audit(change).record({ account: 'alice', subject: 's', event: 'app.removed', detail: '' });
    throw new Error('the change itself failed');
  });
  await expect(failing).rejects.toThrow('the change itself failed');
  expect(await audit(db).recent()).toEqual([]);
  await close();
});
