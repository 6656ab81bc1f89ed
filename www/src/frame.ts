/** Longest side of a captured photo in pixels: more than the model sees, little enough to keep many. */
const SIDE = 640;

/** The frame that a video shows now, as a JPEG file. */
export async function frameOf(video: HTMLVideoElement, name: string): Promise<File> {
  const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser gives no canvas to draw the camera on. Close other tabs and try again.');
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new File([await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })], name, { type: 'image/jpeg' });
}
