import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What `bootstrap` prints: one of each thing that a first message needs. */
export const demoShape = z.object({
  origin: z.string(),
  /** null = an account that was there before: its owner knows the password, we do not. */
  account: z.object({ email: z.string(), password: z.string().nullable() }),
  project: z.object({ id: z.string() }),
  client: z.object({ client_id: z.string(), client_secret: z.string(), redirect_uris: z.array(z.string()) }),
  refresh_token: z.string(),
  /** For the store alone; records of before have none. */
  publish_refresh_token: z.string().optional(),
  app: z.object({ id: z.string(), key: z.string() }),
  channel_id: z.string(),
});

export type Demo = z.infer<typeof demoShape>;

const recordShape = z.object({
  /** Who is signed in, and the sign-in as a value of a Cookie header. */
  email: z.string().optional(),
  cookie: z.string().optional(),
  demo: demoShape.optional(),
});

/** What the last `bootstrap` or `login` against one server left. */
export type ServerRecord = z.infer<typeof recordShape>;

/**
 * The user's files, a folder per server: `account.json` and one `device-….json` per device name, so that devices that
 * listen at the same time never write the same file. They hold secrets: only their owner may read them.
 */
export class Records {
  readonly #folder: string;

  /** @param environment where XDG_CONFIG_HOME may name the configuration folder (XDG Base Directory Specification). */
  constructor(server: string, environment: Readonly<Record<string, string | undefined>> = process.env) {
    const base = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config');
    this.#folder = join(base, 'reveille', encodeURIComponent(server));
  }

  /** Empty when there is none, or none that can be read. */
  async load(): Promise<ServerRecord> {
    const parsed = recordShape.safeParse(await this.#read('account.json'));
    return parsed.success ? parsed.data : {};
  }

  save(record: ServerRecord): Promise<void> {
    return this.#write('account.json', record);
  }

  /** A place for the values of one device. */
  device(name: string): DeviceFile {
    const file = `device-${encodeURIComponent(name)}.json`;
    return new DeviceFile(
      () => this.#read(file),
      (values) => this.#write(file, values),
    );
  }

  async #read(file: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(join(this.#folder, file), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all: a reader never sees half a file, a crash leaves the one before. */
  async #write(file: string, value: unknown): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await chmod(this.#folder, 0o700);
    const path = join(this.#folder, file);
    const draft = `${path}.${process.pid}`;
    try {
      await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}

/** Values of one device, each write on disk before it settles. Fits the client's `KeyValue`. */
export class DeviceFile {
  readonly #read: () => Promise<unknown>;
  readonly #write: (values: Record<string, unknown>) => Promise<void>;
  #values: Record<string, unknown> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(read: () => Promise<unknown>, write: (values: Record<string, unknown>) => Promise<void>) {
    this.#read = read;
    this.#write = write;
  }

  async get(key: string): Promise<unknown> {
    return (await this.#loaded())[key];
  }

  set(key: string, value: unknown): Promise<void> {
    return this.#change((values) => {
      values[key] = value;
    });
  }

  remove(key: string): Promise<void> {
    return this.#change((values) => {
      delete values[key];
    });
  }

  async #loaded(): Promise<Record<string, unknown>> {
    this.#values ??= { ...((await this.#read()) as Record<string, unknown> | undefined) };
    return this.#values;
  }

  async #change(change: (values: Record<string, unknown>) => void): Promise<void> {
    const values = await this.#loaded();
    change(values);
    const written = this.#writing.then(() => this.#write(values));
    this.#writing = written.catch(() => {});
    await written;
  }
}
