import { Hono } from 'hono';
import { limits } from '../../protocol/limits.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { devicePage } from './device-page.tsx';
import { DEVICES, type DevicesView, devicesPage } from './devices-page.tsx';
import { assertSure } from './project-routes.ts';
import type { Visit } from './visit.ts';

export type DeviceRouteDeps = Pick<
  ConsoleDeps,
  'apps' | 'receiving' | 'connectionOf' | 'waitingFor' | 'wakesSpentBy' | 'failedWakeOf'
>;

/** `/console/receiving/devices…`: all devices of the account, and each by itself; sign one or all out. */
export function deviceRoutes(deps: DeviceRouteDeps, desk: Desk): Hono<ConsoleEnv> {
  const { receiving } = deps;
  const draw = async (visit: Visit, c: ConsoleContext, fault?: string) =>
    devicesPage(visit, await viewOf(deps, visit.account.id, Number(c.req.query('page') ?? 1)), fault);
  const again = (visit: Visit, c: ConsoleContext, _: Fields, fault: string) => draw(visit, c, fault);

  const routes = new Hono<ConsoleEnv>();
  routes.get(
    DEVICES,
    desk.page((visit, c) => draw(visit, c)),
  );
  routes.post(
    DEVICES,
    ...desk.form(
      async ({ account }, _, sent) => {
        assertSure(sent);
        await receiving.signOutDevices(account.id);
        return `${DEVICES}?done=devices-ended`;
      },
      { again },
    ),
  );
  routes.get(
    `${DEVICES}/:device`,
    desk.page(async (visit, c) => {
      const device = await receiving.device(visit.account.id, c.req.param('device') ?? '');
      const { app } = device.channel;
      return devicePage(visit, {
        device,
        app: { id: app, title: (await deps.apps.find(app))?.title ?? app },
        connection: deps.connectionOf(device),
        waiting: await deps.waitingFor(device),
        wakesSpent: deps.wakesSpentBy(device),
        failedWake: deps.failedWakeOf(device),
      });
    }),
  );
  routes.post(
    `${DEVICES}/:device`,
    ...desk.form(async ({ account }, c, sent) => {
      await receiving.signOutDevice(account.id, c.req.param('device') ?? '');
      const list = sent.text('from') === 'devices' ? DEVICES : '/console/receiving';
      return `${list}?done=device-ended`;
    }),
  );
  return routes;
}

/** @param wanted the number of a page, as it was asked for: what is no page becomes the nearest one */
async function viewOf(deps: DeviceRouteDeps, account: string, wanted: number): Promise<DevicesView> {
  const all = (await deps.receiving.apps(account)).flatMap(({ devices }) => devices);
  const { devicesShown } = limits;
  const last = Math.max(1, Math.ceil(all.length / devicesShown));
  const page = Math.min(Math.max(1, Math.floor(wanted) || 1), last);
  const shown = all
    .sort((left, right) => right.seenAt - left.seenAt)
    .slice((page - 1) * devicesShown, page * devicesShown);
  const devices = await Promise.all(
    shown.map(async (device) => {
      const { app } = device.channel;
      return {
        device,
        app: { id: app, title: (await deps.apps.find(app))?.title ?? app },
        connection: deps.connectionOf(device),
      };
    }),
  );
  return { devices, count: all.length, page };
}
