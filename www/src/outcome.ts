import type { EpochRow, Metrics, StoredReport } from 'rekindle';

/** With fewer photos kept aside than this, checking in rounds says more. */
const ENOUGH = 30;

/** What a model was checked on, and whether that is photos kept aside or each fifth of the learnt ones in turn. */
export interface Judged {
  metrics: Metrics | null;
  aside: boolean;
}

/** The check that says most: with few photos kept aside, or none of a class, the one in rounds where there is one. */
export function judged({ validation, crossValidation }: StoredReport): Judged {
  const thin = !validation || validation.count < ENOUGH || validation.perClass.some(({ support }) => support === 0);
  return thin && crossValidation ? { metrics: crossValidation, aside: false } : { metrics: validation, aside: true };
}

/** The epochs of what was kept: the head's, or the stages'. */
export function keptEpochs(report: StoredReport): EpochRow[] {
  return report.epochs.filter(({ phase }) => phase === (report.tuning?.kept ? 'tune' : 'head'));
}
