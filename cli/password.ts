import { CliError } from './call.ts';

/**
 * Asks for a password: on a terminal without showing it, with `fromStdin` as the first line of standard input.
 * It is never a flag: every process of the machine could read it there.
 * @throws CliError when there is neither, or the line is empty.
 */
export async function readPassword(fromStdin: boolean, label = 'Password'): Promise<string> {
  if (!fromStdin && !process.stdin.isTTY) {
    throw new CliError(
      'There is no terminal to ask on: give --password-stdin and write the password to standard input.',
    );
  }
  const password = fromStdin ? await firstLine() : await askHidden(label);
  if (password === '') throw new CliError('The password is empty.');
  return password;
}

async function firstLine(): Promise<string> {
  for await (const line of console) return line;
  return '';
}

const ENTER = /[\r\n]/;
const BACKSPACE = '\u007f';
const INTERRUPT = '\u0003';

async function askHidden(label: string): Promise<string> {
  process.stderr.write(`${label}: `);
  process.stdin.setRawMode(true);
  let typed = '';
  try {
    for await (const chunk of process.stdin) {
      for (const key of String(chunk)) {
        if (key === INTERRUPT) throw new CliError('Interrupted.');
        if (ENTER.test(key)) return typed;
        typed = key === BACKSPACE ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    process.stdin.setRawMode(false);
    process.stderr.write('\n');
  }
}
