/** A file that was dropped or picked, with the name of the folder it lay in. */
export interface Found {
  file: File;
  /** Null for a file that was given alone. */
  folder: string | null;
}

/**
 * Every file of a drop, folders walked through to the bottom.
 * The browser empties `transfer` after the event, so its entries are taken before the first wait.
 */
export async function filesOfDrop(transfer: DataTransfer): Promise<Found[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null)) {
    return [...transfer.files].map((file) => ({ file, folder: null }));
  }
  const found: Found[] = [];
  for (const entry of entries) if (entry) await walk(entry, null, found);
  return found;
}

/** Every file of an `<input type="file">`, the folder taken from its relative path. */
export function filesOfInput(input: HTMLInputElement): Found[] {
  return [...(input.files ?? [])]
    .filter((file) => !isHidden(file.name))
    .sort((a, b) => byName(a.webkitRelativePath, b.webkitRelativePath))
    .map((file) => ({ file, folder: file.webkitRelativePath.split('/').at(-2) ?? null }));
}

/** The files by folder, in the order in which the folders were met. */
export function byFolder(found: Found[]): Map<string | null, File[]> {
  const folders = new Map<string | null, File[]>();
  for (const { file, folder } of found) {
    const files = folders.get(folder);
    if (files) files.push(file);
    else folders.set(folder, [file]);
  }
  return folders;
}

async function walk(entry: FileSystemEntry, folder: string | null, found: Found[]): Promise<void> {
  if (isHidden(entry.name)) return;
  if (entry.isFile) {
    found.push({ file: await fileOf(entry as FileSystemFileEntry), folder });
    return;
  }
  for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await walk(child, entry.name, found);
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A directory reader gives its entries in portions and an empty one at the end. */
async function childrenOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) break;
    children.push(...portion);
  }
  return children.sort((a, b) => byName(a.name, b.name));
}

/** Photo 9 comes before photo 10. */
const byName = new Intl.Collator(undefined, { numeric: true }).compare;

/** Files that the system puts into folders by itself. */
function isHidden(name: string): boolean {
  return name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';
}
