import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { appOfChannel, isChannelId } from '../../protocol/channel-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Message, utf8Length } from '../../protocol/message.ts';
import { parseSubchannel, type Subchannel, subchannelName } from '../../protocol/subchannel.ts';
import { knownNames, namedSubchannel } from '../core/named-subchannels.ts';
import { SEND_SCOPE, type Sender } from '../core/sender.ts';
import type { Project } from '../oauth/projects.ts';
import { may } from '../oauth/roles.ts';
import type { App } from '../webstore/apps.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleEnv, Desk, Fields } from './desk.ts';
import { projectMessagesPage, withOffers } from './messages.tsx';
import { type OwnChannel, type TestForm, testPage } from './sending.tsx';
import { traceRoutes } from './trace-routes.ts';
import type { TracingDeps } from './tracing.ts';
import type { Visit } from './visit.ts';

type Deps = TracingDeps &
  Pick<ConsoleDeps, 'projects' | 'apps' | 'receiving' | 'store' | 'offeredTo' | 'send' | 'defaults'>;

const SHOWN = 50;

/** `/console/test`, the recent messages of a project and the trace of one. */
export function sendingRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { projects, store, offeredTo, send, defaults } = deps;
  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/test',
    desk.page((visit, c) =>
      draw(deps, visit, { ...blank, project: c.req.query('project') ?? '' }, c.req.query('app')),
    ),
  );
  routes.post(
    '/console/test',
    ...desk.form(
      async ({ account }, _, sent) => {
        const form = formOf(sent);
        await projects.assertMay(account, form.project, 'send-tests');
        const project = await projects.get(account, form.project);
        if (!project.messagingEnabled) throw new ReveilleError('api-off');
        const sender = senderOf(account.id, project, defaults);
        await send(sender, messageOf(form, sender, await deps.apps.list(account.id)));
        return `/console/projects/${project.id}/messages?done=sent`;
      },
      { again: (visit, _, sent, fault) => draw(deps, visit, formOf(sent), undefined, fault) },
    ),
  );
  routes.get(
    '/console/projects/:id/messages',
    desk.page(async (visit, c) => {
      const project = await projects.get(visit.account, c.req.param('id') ?? '');
      const traces = await store.trace({ project: project.id }, SHOWN);
      return projectMessagesPage(visit, project, await withOffers(traces, offeredTo));
    }),
  );
  routes.route('/', traceRoutes(deps, desk));
  return routes;
}

const blank: TestForm = { project: '', channel: '', other: '', subchannel: '0', payload: 'Good morning!' };

async function draw(
  deps: Deps,
  visit: Visit,
  form: TestForm,
  app?: string,
  fault?: string,
): Promise<JSX.Element> {
  const mine = await deps.projects.of(visit.account);
  const apps = await deps.apps.list(visit.account.id);
  const channels = await ownChannels(deps, visit.account.id, apps);
  const wanted = channels.find(({ id }) => isChannelId(id) && appOfChannel(id) === app) ?? channels[0];
  const usable = mine.filter(({ role }) => may(role, 'send-tests'));
  return testPage(visit, {
    projects: usable,
    channels,
    apps,
    form: fault === undefined ? startOf(form, usable, wanted) : form,
    fault,
  });
}

/** What a test begins with: the project that may send, and one's own channel. */
function startOf(form: TestForm, projects: readonly Project[], channel: OwnChannel | undefined): TestForm {
  const project =
    form.project === '' ? projects.find(({ messagingEnabled }) => messagingEnabled)?.id : form.project;
  return { ...form, project: project ?? '', channel: channel?.id ?? '' };
}

/** The channels of the account with apps that it may send for. */
async function ownChannels(
  { receiving }: Deps,
  account: string,
  apps: readonly App[],
): Promise<readonly OwnChannel[]> {
  const titles = new Map(apps.map((app) => [app.id, app.title]));
  return (await receiving.apps(account)).flatMap(({ channel, devices }) => {
    const title = titles.get(channel.app);
    return title === undefined ? [] : [{ id: channel.id, title, devices: devices.length }];
  });
}

const formOf = (sent: Fields): TestForm => ({
  project: sent.text('project'),
  channel: sent.text('channel'),
  other: sent.text('other').trim(),
  subchannel: sent.text('subchannel'),
  // Browsers send line ends of a text area as CR LF; the handler shall get what was seen.
  payload: sent.text('payload').replaceAll('\r\n', '\n'),
});

function messageOf(form: TestForm, sender: Sender, apps: readonly App[]): Message {
  const channel = form.other === '' ? form.channel : form.other;
  if (!isChannelId(channel)) throw new ReveilleError('channel-invalid');
  const subchannel = subchannelOf(
    form.subchannel,
    sender,
    apps.find(({ id }) => id === appOfChannel(channel)),
  );
  const bytes = utf8Length(form.payload);
  if (bytes > sender.payloadBytes)
    throw new ReveilleError(
      'payload-too-long',
      `It has ${bytes} bytes; this project may send ${sender.payloadBytes}.`,
    );
  return { channel, subchannel, payload: form.payload };
}

/** A number that the project may use, or a name that the app, one of the account's own, has for one. */
function subchannelOf(text: string, { subchannels }: Sender, app: App | undefined): Subchannel {
  if (subchannelName.test(text)) {
    const names = app?.subchannelNames ?? new Map<string, number>();
    const named = namedSubchannel(names, text, subchannels);
    if (named === undefined) throw new ReveilleError('subchannel-unknown', knownNames(names, subchannels));
    return named;
  }
  const number = parseSubchannel(text, subchannels);
  if (number === undefined) throw new ReveilleError('subchannel-invalid');
  return number;
}

/** Who sends a test: the account itself, on behalf of the project. */
function senderOf(account: string, project: Project, defaults: Deps['defaults']): Sender {
  return {
    account,
    client: 'console',
    project: project.id,
    scopes: new Set([SEND_SCOPE]),
    signIn: null,
    dailyQuota: project.dailyQuota ?? defaults.dailyQuota,
    payloadBytes: project.payloadBytes ?? defaults.payloadBytes,
    dailyTargets: project.dailyTargets ?? limits.dailyTargets,
    subchannels: project.subchannels ?? limits.subchannels,
  };
}
