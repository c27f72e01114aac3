import { PageVisitor } from '../dev-env/page-visitor.ts';
import type { RunningServer } from '../server/main.ts';
import { type Neighbours, siteOf, type Try } from './household.ts';

const SIGN_IN = '/accounts/sign-in';
const FIRST = 'the first password 2204';
const SECOND = 'the second password 2205';

interface SignedIn {
  readonly cookie: string;
  readonly who: string;
}

/** Sessions that an attacker set before, and that should have ended: each try is of one that was good a moment ago, or never was. */
export async function trySignIns({ running, mine }: Neighbours): Promise<readonly Try[]> {
  const { accounts } = running.within.rooms;
  const [email, attacker] = ['victim@doors.example', 'attacker@doors.example'];
  for (const one of [email, attacker]) await accounts.create(one, FIRST, 'somebody');
  const name = mine.seed.cookie.split('=')[0] ?? '';
  const tries: Try[] = [];
  for (const [what, set] of Object.entries({
    "an attacker's own session": (await signIn(running, attacker)).cookie,
    'a made-up session': `${name}=attacker.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D`,
  })) {
    const { cookie, who } = await signIn(running, email, set);
    const after = await whoIs(running, set);
    tries.push({
      what: `session fixation by ${what}`,
      held: who === email && cookie !== set && after === '',
      told: `signed in as ${who}; the cookie set before is good for "${after}"`,
    });
  }
  return [...tries, ...(await tryEnded(running, email))];
}

/** Sign-out ends the session itself and not only its cookie; a changed password ends all of them, and gives a fresh one. */
async function tryEnded(running: RunningServer, email: string): Promise<readonly Try[]> {
  const left = await signIn(running, email);
  const page = new PageVisitor(siteOf(running.origin), left.cookie);
  await page.send('/accounts', '/accounts/sign-out');
  const [here, elsewhere] = [await signIn(running, email), await signIn(running, email)];
  const changed = await new PageVisitor(siteOf(running.origin), here.cookie).post(
    '/accounts',
    '/accounts/password',
    {
      current: FIRST,
      next: SECOND,
    },
  );
  const fresh = cookieOf(changed);
  const ended = {
    'a session that was signed out': left,
    'a session from before the password was changed': elsewhere,
    'the session in which the password was changed': here,
  };
  const tries: Try[] = [];
  for (const [what, { cookie, who }] of Object.entries(ended)) {
    const after = await whoIs(running, cookie);
    tries.push({ what, held: who === email && after === '', told: `was "${who}", is "${after}"` });
  }
  const now = await whoIs(running, fresh);
  return [
    ...tries,
    { what: 'the session after it', held: now === email && fresh !== here.cookie, told: now },
  ];
}

/** Signs in by the page, in a browser that carries the cookie `set` already. */
async function signIn(running: RunningServer, email: string, set = ''): Promise<SignedIn> {
  const plain = siteOf(running.origin);
  // Who is signed in is not shown the form: the attacker's cookie arrives between page and form.
  const site = siteOf(running.origin, set);
  const fetch = (path: string, init: RequestInit = {}) =>
    (init.method === 'POST' ? site : plain).fetch(path, init);
  const answer = await new PageVisitor({ origin: running.origin, fetch }).post(SIGN_IN, SIGN_IN, {
    email,
    password: FIRST,
  });
  const cookie = cookieOf(answer);
  return { cookie, who: await whoIs(running, cookie) };
}

const cookieOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .find((line) => line.includes('session_token='))
    ?.split(';')[0] ?? '';

/** The address of who is signed in by a cookie; empty = nobody. */
async function whoIs({ origin }: RunningServer, Cookie: string): Promise<string> {
  const answer = await fetch(`${origin}/accounts/api/get-session`, { headers: { Cookie } });
  const { user } = (await answer.json()) as { user: { email: string } | null };
  return user?.email ?? '';
}
