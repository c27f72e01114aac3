import { ReveilleError } from '../../protocol/errors.ts';
import type { Draft } from '../core/store.ts';

type Allowance = Pick<Draft, 'project' | 'quotaDay' | 'dailyQuota'>;

/** QU1, VT7: accepted messages and targets per project and day, of the store in memory. */
export class MemoryQuota {
  readonly #counts = new Map<string, { accepted: number; targets: number }>();

  /** @throws `quota-exceeded` */
  assertLeft({ project, quotaDay, dailyQuota }: Allowance): void {
    if (dailyQuota > 0 && this.acceptedOn(project, quotaDay) >= dailyQuota)
      throw new ReveilleError('quota-exceeded');
  }

  /** @throws `targets-exceeded` */
  assertTargetsLeft({ project, quotaDay }: Allowance, targets: number, dailyTargets: number): void {
    if (dailyTargets > 0 && this.#count(project, quotaDay).targets + targets > dailyTargets)
      throw new ReveilleError('targets-exceeded');
  }

  add({ project, quotaDay }: Allowance, targets = 0): void {
    const count = this.#count(project, quotaDay);
    this.#counts.set(`${quotaDay} ${project}`, {
      accepted: count.accepted + 1,
      targets: count.targets + targets,
    });
  }

  acceptedOn(project: string, day: string): number {
    return this.#count(project, day).accepted;
  }

  dropBefore(day: string): void {
    for (const key of this.#counts.keys()) if (key < day) this.#counts.delete(key);
  }

  #count(project: string, day: string): { accepted: number; targets: number } {
    return this.#counts.get(`${day} ${project}`) ?? { accepted: 0, targets: 0 };
  }
}
