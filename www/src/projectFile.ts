import type { ExportFormat } from 'rekindle';
import { project } from './project.svelte.js';
import { run } from './run.svelte.js';

const SUFFIX = '.rekindle';

/** Whether a file is a saved project, by its name. */
export function isProjectFile(file: File): boolean {
  return file.name.toLowerCase().endsWith(SUFFIX);
}

/** Opens a saved project in place of what is here; asks first where something would be lost. */
export async function openProjectFile(file: File): Promise<void> {
  const lost = project.photoCount > 0 ? 'The photos that are here' : 'The classes that are here';
  if (project.classes.length > 0 && project.unsaved && !confirm(`${lost} will go from the page. Open ${file.name}?`)) return;
  await project.attempt(async () => {
    const report = await project.open(file);
    run.adopt(report);
    project.notice = {
      kind: 'news',
      what: `${file.name} is open.`,
      todo: 'It holds what was learnt, not the photos: to train again, add photos of every class.',
    };
  });
}

/** Saves the project where the browser puts its downloads. */
export async function saveProjectFile(): Promise<void> {
  await project.attempt(async () => {
    download(await project.save(), SUFFIX);
    project.notice = {
      kind: 'news',
      what: 'Saved.',
      todo: 'The file holds the classes and what was learnt from the photos, not the photos themselves.',
    };
  });
}

/** Saves the trained model for other programs. */
export async function exportModel(format: ExportFormat): Promise<void> {
  await project.attempt(async () => download(await project.export(format), `.${format}`));
}

/** Gives the browser a file, named after the classes, to put where its downloads go. */
function download(file: Blob, suffix: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${project.classes.map(({ label }) => label).slice(0, 3).join('-') || 'project'}${suffix}`;
  link.click();
  // The download has its own hold on the file once it began.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
