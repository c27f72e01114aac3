import type { Config } from './config/config.ts';
import type { World } from './foundation.ts';
import type { Mailer } from './mail/mailer.ts';

/**
 * Opens mail where it is configured, and asks without waiting whether its server can be reached.
 * @returns undefined where no mail is sent
 */
export async function mailOf(
  { mail }: Config,
  world: World,
  closing: (() => unknown)[],
): Promise<Mailer | undefined> {
  if (mail === undefined) return undefined;
  // Loaded only where it is asked for: whoever sends no mail pays nothing.
  const { SmtpMailer } = await import('./mail/mailer.ts');
  const mailer = new SmtpMailer(mail, world);
  closing.push(() => mailer.stop());
  void mailer.check();
  return mailer;
}
