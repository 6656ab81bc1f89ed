import type { Attachment } from 'svelte/attachments';
import { filesOfDrop, type Found } from './folder.js';
import { project } from './project.svelte.js';

/**
 * Lets files and folders be dropped on an element, which carries `data-over` while something hangs above it.
 * Dropping is an extra: wherever this is used, a button does the same.
 */
export function dropTarget(take: (found: Found[]) => unknown): Attachment<HTMLElement> {
  return (element) => {
    const over = (event: DragEvent) => {
      event.preventDefault();
      event.stopPropagation();
      element.dataset.over = '';
    };
    const leave = (event: DragEvent) => {
      if (!element.contains(event.relatedTarget as Node | null)) delete element.dataset.over;
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      event.stopPropagation();
      delete element.dataset.over;
      if (!event.dataTransfer) return;
      const found = filesOfDrop(event.dataTransfer);
      void project.attempt(async () => take(await found));
    };
    element.addEventListener('dragover', over);
    element.addEventListener('dragleave', leave);
    element.addEventListener('drop', drop);
    return () => {
      element.removeEventListener('dragover', over);
      element.removeEventListener('dragleave', leave);
      element.removeEventListener('drop', drop);
    };
  };
}
