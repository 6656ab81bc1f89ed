// A strict project: every name that a user writes has its type, whatever finds the modules.
import { DEFAULT_TRAIN_OPTIONS, type ErrorCode, type Report, RekindleError, type TrainEvent, Tuner } from 'rekindle';

export async function fineTune(cats: FileList, dogs: File[], video: HTMLVideoElement, signal: AbortSignal) {
  const tuner: Tuner = await Tuner.create({ device: 'auto', seed: 7, onProgress: ({ loadedBytes }) => loadedBytes, signal });
  const { added, rejected } = await tuner.addExamples('cat', cats);
  await tuner.addExamples('dog', dogs);
  const codes: ErrorCode[] = rejected.map(({ error }) => error.code);

  const run = tuner.train({ ...DEFAULT_TRAIN_OPTIONS, epochs: 3, signal });
  for await (const event of run) describe(event);
  const report: Report = await run.report;

  const one: string = (await tuner.predict(video)).label;
  const many: number[] = (await tuner.predict(dogs)).map(({ probability }) => probability);
  const views: ImageData[] = await tuner.preview(video, { augment: { flip: 1 }, views: 4 });
  const project: Blob = await tuner.save();
  await tuner.dispose();
  return { added, codes, report, one, many, views, project };
}

function describe(event: TrainEvent): string {
  switch (event.type) {
    case 'prepare':
      return `${event.doneViews} of ${event.totalViews}`;
    case 'epoch':
      return `${event.epoch}: ${event.trainLoss}, ${event.validationAccuracy?.toFixed(2) ?? 'not validated'}`;
    case 'done':
      return `${event.report.bestEpoch}`;
  }
}

export function advise(error: unknown): string {
  if (!(error instanceof RekindleError)) return 'unexpected';
  // @ts-expect-error this is no code of the package
  if (error.code === 'WHATEVER') return 'never';
  return error.code === 'OPTION_INVALID' ? `use ${error.details['expected']}` : error.message;
}

// @ts-expect-error an option that does not exist
export const misspelt = () => Tuner.create({ devcie: 'cpu' });
