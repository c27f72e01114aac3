import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { subchannelName } from '../../protocol/subchannel.ts';
import type { SubchannelNames } from '../core/app-owners.ts';

const LINE = /^(\d{1,2})\s+(\S+)$/;

/**
 * Names of subchannels as owners write them: one a line, its number before it ("0 news"). A number may have several names.
 * @throws `input-invalid` with the line that is wrong.
 */
export function readSubchannelNames(text: string): SubchannelNames {
  const names = new Map<string, number>();
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const [, digits, name = ''] = LINE.exec(line) ?? [];
    const number = Number(digits);
    if (digits === undefined || number >= limits.subchannelsMax || !subchannelName.test(name))
      throw wrong(
        line,
        `write a number from 0 to ${limits.subchannelsMax - 1} and a name of 1 to ${limits.subchannelNameCharacters} small letters, digits and hyphens that begins with a letter, such as "0 news"`,
      );
    if (names.has(name)) throw wrong(line, 'the name is there twice');
    names.set(name, number);
  }
  if (names.size > limits.subchannelsMax)
    throw new ReveilleError(
      'input-invalid',
      `An app has at most ${limits.subchannelsMax} names of subchannels.`,
    );
  return names;
}

/** As `readSubchannelNames` reads them. */
export function subchannelLines(names: SubchannelNames): string {
  return [...names].map(([name, number]) => `${number} ${name}`).join('\n');
}

function wrong(line: string, why: string): ReveilleError {
  return new ReveilleError('input-invalid', `Subchannel "${line.slice(0, 80)}": ${why}.`);
}
