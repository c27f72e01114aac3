import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const turnFile = join(tmpdir(), 'reveille-machine-files.turn');
const turnMs = 120_000;

/**
 * Puts files in places that are the whole machine's, such as the policies of its browsers, until it is disposed of; what
 * stood there before is put back then. One test at a time may do so, and the others wait for their turn.
 * @param files texts by absolute path
 */
export async function installFiles(files: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
  const undo: (() => Promise<unknown>)[] = [await takeTurn()];
  const restore = async () => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      const before = existsSync(path) ? await readFile(path) : undefined;
      const made = await mkdir(dirname(path), { recursive: true });
      if (made !== undefined) undo.push(() => rm(made, { recursive: true, force: true }));
      undo.push(() => (before === undefined ? rm(path, { force: true }) : writeFile(path, before)));
      await writeFile(path, text);
    }
  } catch (error) {
    await restore();
    throw error;
  }
  return { [Symbol.asyncDispose]: restore };
}

/** Waits until no other test has the turn. One that a killed test left behind is over after two minutes. */
async function takeTurn(): Promise<() => Promise<void>> {
  for (const from = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    try {
      const file = await open(turnFile, 'wx');
      await file.close();
      return () => rm(turnFile, { force: true });
    } catch {
      if (Date.now() - from > turnMs) await rm(turnFile, { force: true });
    }
  }
}
