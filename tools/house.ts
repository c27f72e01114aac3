import { isTestPath } from './source-file.ts';

/**
 * Who may import whom. A room is a folder; a file belongs to the longest room that holds it. Every room may import itself.
 * `+ports` are the port files of the core; `:type` behind a room or file allows `import type` only.
 */
const everything = ['*'] as const;
const ports = ['sender', 'app-owners', 'clock'].map((name) => `server/core/${name}.ts`);
const storePorts = [
  'store',
  'kept',
  'multicast',
  'subscription',
  'bus',
  'presence',
  'recipient',
  'clock',
].map((name) => `server/core/${name}.ts:type`);
const secrets = 'server/config/secrets.ts:type';
const door = ['protocol', 'server/core', 'server/observe', 'server/doors'];
const accounts = ['protocol', 'server/observe', 'server/doors', 'server/pages', secrets];

const rooms: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  'server/observe': [],
  'server/core': ['protocol', 'server/observe'],
  'server/doors': ['protocol', ...ports],
  'server/stores': ['protocol', ...storePorts],
  'server/buses': ['protocol', ...storePorts],
  'server/intake/messages': door,
  'server/intake/multicast': door,
  'server/intake/devices': door,
  'server/intake/webpush': door,
  'server/gateways/websocket': door,
  'server/gateways/autopush': door,
  'server/gateways/mcs': door,
  'server/gateways/webpush-out': [...door, 'server/outgoing'],
  'server/outgoing': ['protocol'],
  'server/mail': ['protocol', 'server/observe', 'server/core/clock.ts:type'],
  'server/config': ['protocol'],
  'server/pages': ['protocol'],
  'server/accounts': [...accounts, 'server/core/clock.ts', 'server/mail/mailer.ts:type'],
  'server/oauth': [...accounts, ...ports, 'server/accounts'],
  'server/webstore': [...accounts, ...ports, 'server/accounts'],
  'server/webhooks': [
    'protocol',
    'server/observe',
    'server/core',
    'server/accounts',
    'server/outgoing',
    secrets,
  ],
  'server/quota': [
    'protocol',
    'server/core',
    'server/observe',
    'server/accounts/database.ts',
    'server/mail/mailer.ts:type',
  ],
  'server/traffic': ['protocol', 'server/core', 'server/observe', 'server/accounts/database.ts'],
  'server/console': [
    ...accounts,
    'server/core',
    'server/accounts',
    'server/oauth',
    'server/webstore',
    'server/webhooks',
    'server/traffic',
  ],
  'server/playground': [...accounts, ...ports, 'server/accounts', 'server/oauth/scopes.ts'],
  'server/docs': ['protocol', 'server/pages'],
  'server/uninstall': ['protocol', 'server/core', 'server/pages', secrets],
  server: everything,
  client: ['protocol'],
  sender: ['protocol'],
  cli: ['sender', 'client', 'protocol', 'server', 'dev-env'],
  'dev-env': ['server', 'client', 'sender', 'protocol'],
  e2e: everything,
  bench: ['dev-env', 'server', 'client', 'sender', 'protocol'],
  proof: everything,
  // The pages of the command line and of the settings are made from what is there.
  tools: ['protocol', 'client', 'cli', 'server/config/env.ts'],
};

/** Files that nobody imports because something else starts with them, and what that is. */
export const entryPoints: Readonly<Record<string, string>> = {
  'cli/main.ts': 'bin/reveille',
  'tools/test.ts': 'npm test',
  'tools/check.ts': 'npm run check',
  'dev-env/demo.ts': 'npm run demo',
  'bench/main.ts': 'npm run bench',
  'proof/main.ts': 'npm run proof',
  'sender/sender.ts': 'programs of users',
  'client/device.ts': 'programs of users',
  'client/entry-module.ts': 'extensions, bundled by client/bundle.ts',
  'client/entry-classic.ts': 'extensions, bundled by client/bundle.ts',
  'client/entry-notifications.ts': 'extensions, bundled by client/bundle.ts',
  'client/webapp/entry.ts': 'web apps, bundled by client/bundle.ts',
  'client/wake/page.ts': 'the page /wake/, bundled by client/bundle.ts',
  'client/wake/worker.ts': 'the worker of /wake/, bundled by client/bundle.ts',
};

/** The room of a file; undefined for a file outside of every room, which tidy refuses. */
export function roomOf(path: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Rooms that are there for tests, and may use what only tests use. */
const forTests = new Set(['dev-env', 'e2e', 'bench', 'proof', 'tools']);

/** Rooms whose tests run on Node too, and so keep to the import table as their source does. */
const portable = new Set(['protocol', 'client', 'sender']);

/**
 * Says why `from` may not import `to`, or undefined when it may. Tests use real parts of other rooms, so for them the table
 * counts in the portable rooms only.
 */
export function importFault(from: string, to: string, typeOnly: boolean): string | undefined {
  const room = roomOf(from);
  const other = roomOf(to);
  if (room === undefined || room === other) return undefined;
  if (isTestPath(from) && !portable.has(room)) return undefined;
  if (isTestPath(to) && !isTestPath(from) && !forTests.has(room)) return "a test is nobody's part";
  const allowed = rooms[room] ?? [];
  const covers = (entry: string) => entry === '*' || to === entry || to.startsWith(`${entry}/`);
  if (allowed.some(covers)) return undefined;
  const forTypes = allowed
    .filter((entry) => entry.endsWith(':type'))
    .map((entry) => entry.slice(0, -':type'.length));
  if (!forTypes.some(covers)) return `${room} may import: ${allowed.join(', ') || 'nothing of ours'}`;
  return typeOnly ? undefined : `${room} may import types of it only`;
}
