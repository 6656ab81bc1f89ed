import { project } from './project.svelte.js';
import { run } from './run.svelte.js';

const SUFFIX = '.rekindle';

/** Whether a file is a saved project, by its name. */
export function isProjectFile(file: File): boolean {
  return file.name.toLowerCase().endsWith(SUFFIX);
}

/** Opens a saved project in place of what is here; asks first where something would be lost. */
export async function openProjectFile(file: File): Promise<void> {
  const unsaved = project.photoCount > 0 && project.revision !== project.savedRevision;
  if (unsaved && !confirm('Open this project in place of the photos that are here? They have not been saved.')) return;
  await project.attempt(async () => {
    const report = await project.open(file);
    run.adopt(report);
    project.spoken = `${file.name} opened.`;
  });
}

/** Saves the project where the browser puts its downloads. */
export async function saveProjectFile(): Promise<void> {
  await project.attempt(async () => {
    const url = URL.createObjectURL(await project.save());
    const link = document.createElement('a');
    link.href = url;
    link.download = `${project.classes.map(({ label }) => label).slice(0, 3).join('-') || 'project'}${SUFFIX}`;
    link.click();
    // The download has its own hold on the file once it began.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    project.spoken = 'Project saved.';
  });
}
