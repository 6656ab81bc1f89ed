/**
 * Fetches a file and reports the bytes as they arrive.
 *
 * @param onProgress Gets the bytes so far and in all, null where the server does not say.
 * @returns A response whose body reports while it is read; it fails where the file is cut off.
 * @throws {Error} when there is no answer or the answer is not the file; the message says which.
 */
export async function download(
  url: URL | string,
  onProgress: (loadedBytes: number, totalBytes: number | null) => void,
): Promise<Response> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached (${error instanceof Error ? error.message : String(error)})`);
  });
  if (!response.ok || !response.body) throw new Error(`${url} was answered with HTTP status ${response.status}`);
  // Many servers answer an unknown address with their start page and status 200.
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new Error(`${url} was answered with a web page instead of the file`);
  }
  return counted(response, onProgress);
}

function counted(response: Response, onProgress: (loaded: number, total: number | null) => void): Response {
  const total = totalBytes(response.headers);
  let loaded = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      onProgress(loaded, total);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(counter));
}

function totalBytes(headers: Headers): number | null {
  // With a content encoding the length is that of the compressed bytes, while the stream gives the others.
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  return length === null ? null : Number(length);
}
