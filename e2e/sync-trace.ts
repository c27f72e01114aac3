/** One system call of the trace: the lines at which it began and ended, in the order of the kernel's clock. */
interface Call {
  readonly name: string;
  readonly fd: string;
  readonly text: string;
  readonly began: number;
  readonly ended: number;
}

const WHOLE = /^(\d+)\s+[\d.]+\s+(\w+)\((.*)$/s;
const RESUMED = /^(\d+)\s+[\d.]+\s+<\.\.\. (\w+) resumed>/;

/** Reads the output of `strace -f -ttt`: a call that another thread interrupted stands on two lines. */
function readCalls(trace: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Omit<Call, 'ended'>>();
  for (const [at, line] of trace.split('\n').entries()) {
    const resumed = RESUMED.exec(line);
    if (resumed !== null) {
      const key = `${resumed[1]} ${resumed[2]}`;
      const begun = open.get(key);
      if (begun !== undefined) calls.push({ ...begun, ended: at });
      open.delete(key);
      continue;
    }
    const [, thread, name = '', text = ''] = WHOLE.exec(line) ?? [];
    if (thread === undefined) continue;
    const call = { name, fd: text.slice(0, text.search(/[,)]/)), text, began: at };
    if (line.includes('<unfinished ...>')) open.set(`${thread} ${name}`, call);
    else calls.push({ ...call, ended: at });
  }
  return calls;
}

/** A message that was answered: its payload, which stands in the row, and its version, which stands in the answer. */
export interface AnsweredMessage {
  readonly payload: string;
  readonly version: string;
}

/**
 * The messages whose 204 left before a sync of the file that began after their row was written there.
 * @throws Error when the trace does not show a row or an answer at all: then it proves nothing.
 */
export function answeredTooEarly(trace: string, messages: readonly AnsweredMessage[]): AnsweredMessage[] {
  const calls = readCalls(trace);
  const syncs = calls.filter(({ name }) => name === 'fdatasync' || name === 'fsync');
  const first = (what: string, matches: (call: Call) => boolean): Call => {
    const found = calls.filter(matches).sort((a, b) => a.began - b.began)[0];
    if (found === undefined) throw new Error(`the trace does not show ${what}`);
    return found;
  };
  return messages.filter(({ payload, version }) => {
    const row = first(
      `the row of ${payload}`,
      ({ name, text }) => name.startsWith('pwrite') && text.includes(payload),
    );
    const answer = first(`the answer for ${version}`, ({ text }) =>
      text.includes(`Reveille-Message: ${version}`),
    );
    return !syncs.some((sync) => sync.fd === row.fd && sync.began > row.ended && sync.ended < answer.began);
  });
}
