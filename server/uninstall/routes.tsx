import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Devices } from '../core/devices.ts';
import type { Store } from '../core/store.ts';
import { Card } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { Page } from '../pages/page.tsx';
import { render, renderError, seeOther } from '../pages/render.tsx';
import type { UninstallLinks } from './uninstall-link.ts';

export interface UninstallDeps {
  readonly links: UninstallLinks;
  readonly store: Pick<Store, 'findDevice'>;
  readonly devices: Pick<Devices, 'remove'>;
  /** The name of an app, for the reader. */
  readonly nameOf: (app: AppId) => Promise<string | undefined>;
}

const UninstallPage: FC<{ app: string | undefined; ended: boolean }> = ({ app = 'The app', ended }) => (
  <Page title={`${app} was removed`} narrow>
    <Card>
      <header>
        <h1>{app} was removed</h1>
        <p>
          {ended
            ? 'Messages for it no longer come to this browser, and its senders can see that it is gone.'
            : 'Shall its senders learn of it, and messages for this browser end?'}
        </p>
      </header>
      {ended ? (
        <p>You may close this page. What other browsers of yours get is as it was.</p>
      ) : (
        <form method="post" class="form">
          <Button>End the messages</Button>
        </form>
      )}
    </Card>
  </Page>
);

/**
 * `/uninstalled/{device}/{token}`: GET asks, because a browser or whoever previews links may open an address unasked; POST
 * ends the device. The token is the whole authority, so a foreign page that makes somebody post has nothing to win.
 */
export function uninstallRoutes({ links, store, devices, nameOf }: UninstallDeps): Hono {
  const routes = new Hono();
  routes.get('/uninstalled/:device/:token', async (c) => {
    const id = links.deviceOf(c.req.path);
    if (id === undefined) return renderError(new ReveilleError('not-found'));
    const device = await store.findDevice(id);
    const app = device?.channel.app;
    const name = app === undefined ? undefined : await nameOf(app);
    return render(<UninstallPage app={name} ended={device === undefined} />);
  });
  routes.post('/uninstalled/:device/:token', async (c) => {
    const id = links.deviceOf(c.req.path);
    if (id === undefined) return renderError(new ReveilleError('not-found'));
    const device = await store.findDevice(id);
    if (device !== undefined) await devices.remove(device);
    return seeOther(c.req.path);
  });
  return routes;
}
