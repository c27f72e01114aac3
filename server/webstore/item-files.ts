import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId } from '../../protocol/app-id.ts';

/** The files of the store's items, a folder each. */
export class ItemFiles {
  readonly #folder: string;
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param folder the data folder */
  constructor(folder: string) {
    this.#folder = join(folder, 'packages');
  }

  /** Whole on disk when it settles, or not there. */
  async keep(app: string, name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(join(this.#folder, app), { recursive: true, mode: 0o700 });
    const path = join(this.#folder, app, name);
    await writeFile(`${path}.part`, bytes, { mode: 0o600, flush: true });
    await rename(`${path}.part`, path);
  }

  async read(app: string, name: string): Promise<Uint8Array> {
    return await readFile(join(this.#folder, app, name));
  }

  async drop(app: string, name: string): Promise<void> {
    await rm(join(this.#folder, app, name), { force: true });
  }

  async dropAll(app: AppId): Promise<void> {
    await rm(join(this.#folder, app), { recursive: true, force: true });
  }

  /** One change of an item at a time, so that none takes a file away that another is about to name. */
  async inTurn<T>(app: AppId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(app) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(app, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(app) === settled) this.#turns.delete(app);
    }
  }
}
