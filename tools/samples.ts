import { Glob } from 'bun';
import { root } from './run.ts';
import { readProjectFile } from './tree.ts';

/** A fenced block of a document. */
export interface Block {
  readonly file: string;
  /** The word behind the fence; '' = none: it is for reading only. */
  readonly language: string;
  readonly text: string;
}

/** A block with a language. */
export interface Sample extends Block {
  /** Its file, its language, and which of that language it is there, from 1: `docs/web-push.md js 1`. */
  readonly name: string;
}

/** All fenced blocks of the documents that users read, in order; those in a list without their indentation. */
export async function readBlocks(): Promise<readonly Block[]> {
  const files = ['README.md', 'docs/*.md', 'examples/*/*.md', 'protocol/*.md']
    .flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: root })])
    .sort();
  const blocks: Block[] = [];
  for (const file of files) {
    const markdown = await readProjectFile(file);
    for (const [, indent = '', language = '', text = ''] of markdown.matchAll(
      /^( *)```([a-z]*)[^\n]*\n([\s\S]*?)^\1```$/gm,
    ))
      blocks.push({ file, language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), '') });
  }
  return blocks;
}

export async function readSamples(): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const block of await readBlocks()) {
    const { file, language } = block;
    if (language === '') continue;
    const before = samples.filter((one) => one.file === file && one.language === language).length;
    samples.push({ ...block, name: `${file} ${language} ${before + 1}` });
  }
  return samples;
}
