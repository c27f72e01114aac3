/**
 * A word as a POSIX shell reads it back. Variables named in `variables` (such as `$profile`) stay variables.
 */
export function shellWord(word: string, variables: readonly string[] = []): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const used = variables.find((variable) => word.includes(variable));
  if (used === undefined) return `'${word.replaceAll("'", `'\\''`)}'`;
  const [before = '', after = ''] = word.split(used);
  return [before === '' ? '' : shellWord(before), `"${used}"`, after === '' ? '' : shellWord(after)].join('');
}
