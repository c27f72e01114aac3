import { z } from 'zod';
import { BROWSERS_PATH, type BrowserSettings } from '../protocol/browser-settings.ts';
import { CliError, call } from './call.ts';

const shape: z.ZodType<BrowserSettings> = z.object({
  chromium: z.object({
    checkinUrl: z.url(),
    registrationUrl: z.url(),
    mcsEndpoint: z.url().nullable(),
  }),
  firefox: z.object({ pushUrl: z.url() }),
});

/**
 * What a server says of how browsers are set.
 * @param authority whom to trust beside the public ones, in PEM
 * @throws CliError when it cannot be reached or says nothing of browsers.
 */
export async function readBrowserSettings(
  server: string,
  authority: string | undefined,
): Promise<BrowserSettings> {
  const answer = await call(server, BROWSERS_PATH, { authority });
  const parsed = shape.safeParse(await answer.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new CliError(
    `${server} does not say how browsers are set (${answer.status}). Is it Reveille, and as late as this one?`,
  );
}
