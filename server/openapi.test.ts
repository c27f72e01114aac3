import { expect, test } from 'bun:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Town } from '../dev-env/town.ts';
import { messageAnswer, messageState } from './intake/multicast/shapes.ts';
import { OPENAPI_PATH } from './openapi.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Record<string, unknown>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Record<string, unknown> }> };
}

test('VT12 VT1 VT8 a real server serves its document, and a message sent by it tells how it stands', async () => {
  await using town = await Town.start();
  const answer = await fetch(`${town.origin}${OPENAPI_PATH}`);
  const document = (await answer.json()) as Record<string, unknown> & {
    openapi: string;
    servers: readonly { url: string }[];
    paths: Record<string, Record<string, Operation>>;
  };
  expect(await new Validator().validate(document)).toEqual({ valid: true });
  expect(document.openapi).toBe('3.1.0');
  expect(document.servers).toEqual([{ url: town.origin }]);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, ...operation })),
  );
  expect(new Set(operations.map((one) => one.operationId)).size).toBe(9);
  for (const { path, parameters = [], responses } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(named);
    expect(Object.keys(responses)).toContain('default');
  }
  const schema = document.paths['/v2/messages']?.post?.requestBody?.content['application/json']?.schema;
  expect(schema).toMatchObject({ required: ['channels'], additionalProperties: false });

  const headers = {
    Authorization: `Bearer ${await town.accessToken()}`,
    'Content-Type': 'application/json',
  };
  const body = JSON.stringify({ channels: [town.seed.channel_id], payload: 'by the document' });
  const sent = await fetch(`${town.origin}/v2/messages`, { method: 'POST', headers, body });
  const { id, accepted } = messageAnswer.parse(await sent.json());
  expect(accepted).toBe(1);
  const state = await fetch(`${town.origin}/v2/messages/${id}`, { headers });
  expect(messageState.parse(await state.json()).targets[0]?.channelId).toBe(town.seed.channel_id);
});
