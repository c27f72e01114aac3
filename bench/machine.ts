import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import packageFile from '../package.json' with { type: 'json' };

/** Where and with what a run was made. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  /** Of the folder where everyone keeps what they keep: a sync costs nothing on a file system in memory. */
  readonly disk: 'in memory' | 'on disk';
  readonly bun: string;
  readonly reveille: string;
  /** Of the minute before; work beside the run makes its numbers small. */
  readonly loadBefore: number;
}

const TMPFS = 0x01021994;

export async function describeMachine(folder: string): Promise<Machine> {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: /PRETTY_NAME="(.*)"/.exec(read('/etc/os-release'))?.[1] ?? process.platform,
    disk: (await statfs(folder)).type === TMPFS ? 'in memory' : 'on disk',
    bun: Bun.version,
    reveille: packageFile.version,
    loadBefore: loadavg()[0] ?? 0,
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
