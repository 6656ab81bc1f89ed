/** Examples in any number, cropped from the photos. */

import type { Page } from 'playwright-core';

/**
 * Adds crops of the photos to `window.tuner`, made in the page and forgotten there; their side is `share` of the shorter one
 * of the photo's. Gives how many were added.
 */
export async function addCrops(page: Page, from: number, count: number, share = 0.8): Promise<number> {
  return page.evaluate(
    async ({ from, count, share }) => {
      const { photos } = await import('page/photos.js');
      const { tuner } = window as unknown as { tuner: import('rekindle').Tuner };
      const sources = await photos('train');
      const crops = new Map<string, Blob[]>();
      for (let number = from; number < from + count; number++) {
        const { label, file } = sources[number % sources.length] as (typeof sources)[number];
        const whole = await createImageBitmap(file);
        const side = Math.floor(Math.min(whole.width, whole.height) * share);
        const corner = (room: number) => Math.floor(((number * 7919) % 101) / 101 * room);
        const canvas = new OffscreenCanvas(side, side);
        canvas
          .getContext('2d')
          ?.drawImage(whole, corner(whole.width - side), corner(whole.height - side), side, side, 0, 0, side, side);
        whole.close();
        crops.set(label, [...(crops.get(label) ?? []), await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })]);
      }
      let added = 0;
      for (const [label, files] of crops) added += (await tuner.addExamples(label, files)).added.length;
      return added;
    },
    { from, count, share },
  );
}
