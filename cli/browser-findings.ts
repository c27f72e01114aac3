import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BrowserSettings } from '../protocol/browser-settings.ts';
import { CliError } from './call.ts';
import { mcsShut, pushSwitches } from './chromium.ts';
import type { Finding } from './findings.ts';
import { presentedAt } from './trust.ts';

/** Where a machine keeps what is looked at; tests have a tree of their own. */
export interface Machine {
  readonly processes: string;
  readonly chromiumPolicies: string;
  readonly firefoxPolicies: string;
}

export const thisMachine: Machine = {
  processes: '/proc',
  chromiumPolicies: '/etc/chromium/policies/managed',
  firefoxPolicies: '/etc/firefox/policies/policies.json',
};

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is told of while there is time. */
const SOON_DAYS = 30;

/**
 * Can Chromium's push client get in, and would it believe whom it meets?
 * @param authority the one that `cert` made for the server, in PEM
 */
export async function checkPushDoor(
  settings: BrowserSettings,
  authority: string | undefined,
  machine: Machine,
): Promise<Finding[]> {
  const endpoint = settings.chromium.mcsEndpoint;
  const subject = "door of Chromium's push client";
  if (endpoint === null)
    return [{ state: 'wrong', subject, fact: 'shut, for want of a certificate', mend: mcsShut }];
  try {
    const { certificate, doubt } = await presentedAt(endpoint, authority);
    const open: Finding = { state: 'good', subject, fact: `${endpoint} answers with TLS` };
    return [open, await trustOf(certificate, doubt, endpoint, authority, machine)];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const mend = 'Open that port in firewall and proxy (TLS passed through), or correct --mcs-port.';
    return [{ state: 'wrong', subject, fact: error.message, mend }];
  }
}

async function trustOf(
  certificate: X509Certificate,
  doubt: string | undefined,
  endpoint: string,
  authority: string | undefined,
  machine: Machine,
): Promise<Finding> {
  const subject = 'certificate of that door';
  const until = Date.parse(certificate.validTo);
  const again = 'Make another with ./bin/reveille cert, then start serve again.';
  if (until < Date.now()) return { state: 'wrong', subject, fact: `ran out on ${day(until)}`, mend: again };
  if (doubt === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { hostname } = new URL(endpoint);
    const mend = `./bin/reveille cert --host ${hostname}, then start serve again.`;
    return { state: 'wrong', subject, fact: `is not for ${hostname}`, mend };
  }
  if (doubt !== undefined) {
    const mend =
      'Give --tls-cert the whole chain, or have browsers trust its authority (./bin/reveille policy).';
    return { state: 'wrong', subject, fact: `no known authority vouches for it (${doubt})`, mend };
  }
  if (until - Date.now() < SOON_DAYS * DAY_MS)
    return { state: 'note', subject, fact: `runs out on ${day(until)}`, mend: again };
  const known = (await presentedAt(endpoint, undefined)).doubt === undefined;
  if (known || authority === undefined) return { state: 'good', subject, fact: `good until ${day(until)}` };
  if (await inPolicies(authority, machine.chromiumPolicies))
    return {
      state: 'good',
      subject,
      fact: `good until ${day(until)}, its authority is in Chromium's policies`,
    };
  return {
    state: 'note',
    subject,
    fact: 'from the authority that cert made, which no policy of Chromium names',
    mend: 'Browsers of ./bin/reveille browser need nothing; for others: ./bin/reveille policy chromium.',
  };
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

async function inPolicies(authority: string, folder: string): Promise<boolean> {
  const wanted = new X509Certificate(authority).raw.toString('base64');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
  return texts.some((text) => text.includes(wanted));
}

/** Do the browsers that run here use this server? Notes only: a browser may well be meant for another. */
export async function checkRunningBrowsers(settings: BrowserSettings, machine: Machine): Promise<Finding[]> {
  const running = await commandLines(machine.processes);
  const chromiums = running.filter(({ name }) => /^(chromium|chrome|google-chrome)/.test(name));
  const firefoxes = running.filter(({ name }) => name.startsWith('firefox'));
  const findings: Finding[] = [];
  if (settings.chromium.mcsEndpoint !== null) {
    const switches = pushSwitches(settings);
    for (const { pid, words } of chromiums) {
      const missing = switches.filter((one) => !words.includes(one));
      findings.push(chromiumFinding(pid, missing));
    }
  }
  for (const { pid, words } of firefoxes) findings.push(await firefoxFinding(pid, words, settings, machine));
  if (findings.length === 0)
    findings.push({
      state: 'note',
      subject: 'browsers',
      fact: 'none runs here that can be looked at',
      mend: './bin/reveille browser chromium',
    });
  return findings;
}

function chromiumFinding(pid: string, missing: readonly string[]): Finding {
  const subject = `Chromium, process ${pid}`;
  if (missing.length === 0) return { state: 'good', subject, fact: 'was started with the switches' };
  return {
    state: 'note',
    subject,
    fact: `was started without ${missing.map((one) => one.split('=')[0]).join(', ')}`,
    mend: 'Unless its profile has checked in here before, start it with the switches: ./bin/reveille browser chromium --print.',
  };
}

async function firefoxFinding(
  pid: string,
  words: readonly string[],
  { firefox }: BrowserSettings,
  machine: Machine,
): Promise<Finding> {
  const subject = `Firefox, process ${pid}`;
  const at = words.findIndex((word) => /^--?profile$/.test(word));
  const profile = at === -1 ? undefined : words[at + 1];
  const sources = [
    machine.firefoxPolicies,
    ...(profile === undefined ? [] : [join(profile, 'user.js'), join(profile, 'prefs.js')]),
  ];
  for (const source of sources) {
    const text = await readFile(source, 'utf8').catch(() => '');
    if (text.includes('dom.push.serverURL') && text.includes(JSON.stringify(firefox.pushUrl)))
      return { state: 'good', subject, fact: `has the preference, by ${source}` };
  }
  return {
    state: 'note',
    subject,
    fact: `dom.push.serverURL is not ${firefox.pushUrl}, as far as can be seen`,
    mend: 'Set it in about:config, or see ./bin/reveille policy firefox.',
  };
}

interface Running {
  readonly pid: string;
  readonly name: string;
  readonly words: readonly string[];
}

/** The main processes of programs; renderers and the like name their `--type` or are children of content processes. */
async function commandLines(folder: string): Promise<readonly Running[]> {
  const pids = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
  const read = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(join(folder, pid, 'cmdline'), 'utf8').catch(() => '');
      const words = text.split('\0').filter((word) => word !== '');
      return { pid, words, name: basename(words[0] ?? '') };
    }),
  );
  const isChild = (word: string) => /^--type=|^-contentproc$|^--monitor-self/.test(word);
  return read.filter(({ words }) => !words.some(isChild));
}
