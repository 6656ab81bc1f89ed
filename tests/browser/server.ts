/** A static file server on this machine that records what is asked of it. */

import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
};

/** What is sent instead of a file: other bytes, or only a status. */
export type Replacement = { bytes: Uint8Array } | { status: number };

/** A file that is served, and when it was changed. */
interface Found {
  path: string;
  modified: number;
}

/** Serves folders and made files; nothing is cached in the browser, so that every page asks for everything it needs. */
export class Server {
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];

  private readonly folders: { prefix: string; folder: string }[] = [];
  private readonly files = new Map<string, () => string | Uint8Array | Promise<string>>();
  private readonly kept = new Map<string, Uint8Array>();
  private readonly replacements: { pattern: RegExp; replace: (bytes: Uint8Array) => Replacement }[] = [];

  private constructor(private readonly http: HttpServer) {
    http.on('request', (request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  /** Starts listening on a free port of the loopback address. */
  static async start(): Promise<Server> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new Server(http);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Serves the files of `folder` under `prefix`, which ends in a slash. */
  mount(prefix: string, folder: string): void {
    this.folders.push({ prefix, folder });
  }

  /** Serves what `make` gives at exactly `path`. */
  file(path: string, make: () => string | Uint8Array | Promise<string>): void {
    this.files.set(path, make);
  }

  /** Sends something else for the paths that match, until the returned function is called. */
  replace(pattern: RegExp, replace: (bytes: Uint8Array) => Replacement): () => void {
    const entry = { pattern, replace };
    this.replacements.push(entry);
    return () => void this.replacements.splice(this.replacements.indexOf(entry), 1);
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wanted = decodeURIComponent(new URL(request.url ?? '/', this.origin).pathname);
    this.requests.push(wanted);
    const headers = { 'cache-control': 'no-store', 'content-type': typeOf(wanted) };

    const made = this.files.get(wanted);
    if (made) {
      response.writeHead(200, headers).end(await made());
      return;
    }
    const file = await this.find(wanted);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    const replacement = this.replacements.find(({ pattern }) => pattern.test(wanted));
    if (replacement) {
      const sent = replacement.replace(await readFile(file.path));
      if ('status' in sent) response.writeHead(sent.status).end();
      else response.writeHead(200, { ...headers, 'content-length': sent.bytes.length }).end(sent.bytes);
      return;
    }
    const bytes = await this.contents(file);
    response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
  }

  /** Read once: what is measured in a browser shares the processor with this server. */
  private async contents({ path, modified }: Found): Promise<Uint8Array> {
    const key = `${path} ${modified}`;
    const kept = this.kept.get(key) ?? (await readFile(path));
    this.kept.set(key, kept);
    return kept;
  }

  private async find(wanted: string): Promise<Found | undefined> {
    for (const { prefix, folder } of this.folders) {
      if (!wanted.startsWith(prefix)) continue;
      const inside = path.join(folder, path.normalize(`/${wanted.slice(prefix.length)}`));
      for (const candidate of [inside, path.join(inside, 'index.html')]) {
        const found = await stat(candidate).catch(() => undefined);
        if (found?.isFile()) return { path: candidate, modified: found.mtimeMs };
      }
    }
    return undefined;
  }
}

function typeOf(wanted: string): string {
  const extension = path.extname(wanted);
  return TYPES[extension === '' ? '.html' : extension] ?? 'application/octet-stream';
}
