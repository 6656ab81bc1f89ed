/** A server of another origin that stands in for the Hugging Face hub: with its lists, its ranges and its troubles. */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a repository holds, and how it is served. */
export interface Repository {
  files: Record<string, Uint8Array | string>;
  /** The sha256 that the list says of every large file, where it is not the true one. */
  sha256?: string;
  /** After how many bytes each next answer with a large file is cut off. */
  cuts?: number[];
  /** Bytes of a large file that come each tenth of a second. */
  slow?: number;
  /** Whether pages of other origins are refused. */
  closed?: boolean;
}

/** Of the one commit that each repository has. */
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const LARGE = 100_000;

/** The stand-in. */
export class Hub {
  readonly repositories = new Map<string, Repository>();
  /** Paths that were asked for, each with where the answer began. */
  requests: string[] = [];

  private constructor(private readonly http: ReturnType<typeof createServer>) {
    http.on('request', (request, response) => this.answer(request, response));
  }

  static async start(): Promise<Hub> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new Hub(http);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', this.origin).pathname;
    const [, listed] = /^\/api\/models\/(.+)\/revision\/main$/.exec(path) ?? [];
    const [, owner, revision, name = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const repository = this.repositories.get(listed ?? owner ?? '');
    if (!repository?.closed) response.setHeader('access-control-allow-origin', '*');
    const file = repository?.files[name];
    if (repository && listed) response.end(JSON.stringify({ sha: COMMIT, siblings: siblings(repository) }));
    else if (repository && file !== undefined && revision === COMMIT) this.send(request, response, repository, file);
    else response.writeHead(401).end();
  }

  private send(request: IncomingMessage, response: ServerResponse, repository: Repository, file: Uint8Array | string): void {
    const bytes = Buffer.from(file);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    this.requests.push(`${request.url} ${start}`);
    response.setHeader('content-length', bytes.length - start);
    if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
    const cut = bytes.length > LARGE ? repository.cuts?.shift() : undefined;
    if (cut !== undefined) response.write(bytes.subarray(start, start + cut), () => response.destroy());
    else if (repository.slow && bytes.length > LARGE) void drip(response, bytes.subarray(start), repository.slow);
    else response.end(bytes.subarray(start));
  }
}

function siblings({ files, sha256 }: Repository) {
  return Object.entries(files).map(([rfilename, file]) => {
    const true256 = createHash('sha256').update(file).digest('hex');
    return file.length > LARGE ? { rfilename, lfs: { sha256: sha256 ?? true256, size: file.length } } : { rfilename };
  });
}

async function drip(response: ServerResponse, bytes: Uint8Array, step: number): Promise<void> {
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    response.write(bytes.subarray(at, at + step));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  response.end();
}
