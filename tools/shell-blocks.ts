/** A block of a document that a reader types. */
export interface ShellBlock {
  /** The word behind `sh`: which shell it is for; '' = the one that goes on. */
  readonly role: string;
  readonly script: string;
}

/** The fenced blocks of a document whose language is `sh`, in order. Blocks without it are for reading only. */
export function shellBlocks(markdown: string): ShellBlock[] {
  return [...markdown.matchAll(/^```sh([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    role: (match[1] ?? '').trim(),
    script: match[2] ?? '',
  }));
}
