import type { Attachment } from 'svelte/attachments';

/** Longest height of a thumbnail in pixels, twice what is shown, for sharp screens. */
const HEIGHT = 168;
/** Small JPEGs by the photo they were made from; they go when the photo goes. */
const made = new WeakMap<Blob, Promise<Blob>>();

/**
 * Shows a photo in an `<img>` as a small copy, made when the image first comes near the window.
 * The address is given back as soon as it is loaded, so that none outlives its use.
 */
export function thumbnail(photo: Blob): Attachment<HTMLImageElement> {
  return (image) => {
    let gone = false;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        void smallCopy(photo).then((copy) => {
          if (gone) return;
          const url = URL.createObjectURL(copy);
          image.onload = image.onerror = () => URL.revokeObjectURL(url);
          image.src = url;
        });
      },
      { rootMargin: '200px' },
    );
    observer.observe(image);
    return () => {
      gone = true;
      observer.disconnect();
    };
  };
}

/** Shows a photo in an `<img>` at its full size. */
export function fullSize(photo: Blob): Attachment<HTMLImageElement> {
  return (image) => {
    const url = URL.createObjectURL(photo);
    image.src = url;
    return () => URL.revokeObjectURL(url);
  };
}

function smallCopy(photo: Blob): Promise<Blob> {
  let copy = made.get(photo);
  if (!copy) {
    copy = queue(() => shrink(photo));
    made.set(photo, copy);
  }
  return copy;
}

/** One at a time: decoded photos are large, and the page has other things to do. */
let last: Promise<unknown> = Promise.resolve();
function queue(task: () => Promise<Blob>): Promise<Blob> {
  const next = last.then(task);
  last = next.catch(() => undefined);
  return next;
}

async function shrink(photo: Blob): Promise<Blob> {
  try {
    const bitmap = await createImageBitmap(photo, { resizeHeight: HEIGHT, resizeQuality: 'medium' });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context ? await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 }) : photo;
  } catch {
    // What the browser cannot shrink it may still be able to show.
    return photo;
  }
}
