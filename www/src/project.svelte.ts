import { Tuner, type DeviceInfo, type ExportFormat, type LoadProgress, type StoredReport } from 'rekindle';
import { isAbort, troubleOf, type Trouble } from './trouble.js';

/** One labelled photo on the page. */
export interface Photo {
  /** The package's number of the example. */
  id: number;
  label: string;
  name: string;
  file: Blob;
  /** What it was taken together with. */
  group: string | undefined;
}

/** A class with its photos, in the order in which they came. */
export interface PhotoClass {
  /** The same for as long as the class is there, whatever it is called. */
  key: number;
  label: string;
  photos: Photo[];
}

/** A file that could not be added. */
export interface RejectedFile {
  name: string;
  trouble: Trouble;
}

/** Something to read: what went wrong, or news. */
export interface Notice extends Trouble {
  kind: 'trouble' | 'news';
}

/** Photos that go to the worker at a time; between two portions the count on the page moves. */
const PORTION = 8;

/** What is being worked on: the tuner and the page's view of its classes and photos. */
class Project {
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  loaded = $state.raw<Partial<Record<LoadProgress['file'], LoadProgress>>>({});
  device = $state.raw<DeviceInfo | null>(null);
  /** Name of the pretrained network's architecture. */
  backbone = $state('');
  /** Why the start failed. */
  startTrouble = $state.raw<Trouble | null>(null);

  classes = $state.raw<PhotoClass[]>([]);
  rejected = $state.raw<RejectedFile[]>([]);
  /** Sample photos that were kept out of training, to be tried afterwards. */
  keptBack = $state.raw<File[]>([]);
  /** Photos on their way in, or null. */
  adding = $state.raw<{ done: number; total: number } | null>(null);
  /** The last thing worth reading, until it is read or something else is done. */
  notice = $state.raw<Notice | null>(null);
  /** Said aloud to screen readers. */
  spoken = $state('');
  /** Counts every change of photos and of their classes; a new name is none. */
  revision = $state(0);
  /** Whether the model follows every photo that comes, goes or moves. */
  live = $state(false);
  /** Whether the model can name anything. */
  answers = $state(false);
  /** Whether there is something that leaving the page would lose. */
  unsaved = $state(false);

  photoCount = $derived(this.classes.reduce((sum, { photos }) => sum + photos.length, 0));

  #lastKey = 0;
  #tuner: Tuner | null = null;
  #started = Promise.withResolvers<void>();
  /** Edits run one after another, in the order in which they were made, once the tuner is there. */
  #edits: Promise<unknown> = this.#started.promise;

  /** Loads the package's files; may be called again after a failure. */
  async start(): Promise<void> {
    this.state = 'loading';
    this.startTrouble = null;
    this.loaded = {};
    try {
      this.#use(await Tuner.create({ onProgress: (progress) => this.#note(progress) }));
    } catch (error) {
      this.state = 'failed';
      this.startTrouble = troubleOf(error);
    }
  }

  /** The tuner, for what reads from it. */
  get tuner(): Tuner {
    if (!this.#tuner) throw new Error('The pretrained model is still loading. Try again in a moment.');
    return this.#tuner;
  }

  /** Makes an empty class and returns its label, made unique. */
  addClass(wanted = 'Class'): string {
    const label = this.#freeLabel(wanted);
    this.#append(label, []);
    return label;
  }

  /**
   * Adds photos to a class, which is made where there is none of that name. Those of one group were taken together: they
   * are either learnt from or kept aside.
   */
  async addPhotos(wanted: string, files: Blob[], group?: string): Promise<void> {
    const label = wanted.trim().normalize('NFC');
    if (!this.classes.some((one) => one.label === label)) this.#append(label, []);
    this.adding = { done: this.adding?.done ?? 0, total: (this.adding?.total ?? 0) + files.length };
    await this.#edit(async () => {
      let added = 0;
      for (let from = 0; from < files.length; from += PORTION) {
        added += await this.#addPortion(label, files.slice(from, from + PORTION), group);
      }
      this.spoken = `${added} ${added === 1 ? 'photo' : 'photos'} added to ${label}.`;
    });
    if (this.adding && this.adding.done >= this.adding.total) this.adding = null;
  }

  async removePhotos(photos: Photo[]): Promise<void> {
    const ids = new Set(photos.map(({ id }) => id));
    await this.#edit(async () => {
      await this.tuner.removeExamples([...ids]);
      this.#change((one) => ({ ...one, photos: one.photos.filter(({ id }) => !ids.has(id)) }));
      this.spoken = `${ids.size} ${ids.size === 1 ? 'photo' : 'photos'} removed.`;
    });
  }

  async relabel(photo: Photo, label: string): Promise<void> {
    await this.#edit(async () => {
      await this.tuner.relabelExamples([photo.id], label);
      this.#change((one) => {
        const photos = one.photos.filter(({ id }) => id !== photo.id);
        return { ...one, photos: one.label === label ? [...photos, { ...photo, label }] : photos };
      });
      this.spoken = `${photo.name} is now ${label}.`;
    });
  }

  /** Renames a class; a name that is taken or empty is refused with a sentence. */
  async renameClass(from: string, wanted: string): Promise<void> {
    // As the package keeps labels, so that both mean the same class.
    const label = wanted.trim().normalize('NFC');
    if (label === from || label === '') return;
    if (this.classes.some((one) => one.label === label)) {
      this.notice = { kind: 'trouble', what: `There is already a class called ${label}.`, todo: 'Choose another name, or move the photos over one by one.' };
      return;
    }
    await this.#edit(async () => {
      if (this.#known(from)) await this.tuner.renameClass(from, label);
      this.classes = this.classes.map((one) =>
        one.label === from ? { ...one, label, photos: one.photos.map((photo) => ({ ...photo, label })) } : one,
      );
      this.unsaved = true;
    });
  }

  async removeClass(label: string): Promise<void> {
    await this.#edit(async () => {
      if (this.#known(label)) await this.tuner.removeClass(label);
      this.classes = this.classes.filter((one) => one.label !== label);
      this.#touch();
      if (this.classes.length === 0) this.keptBack = [];
      this.spoken = `Class ${label} removed.`;
    });
  }

  /** Lets the model follow the photos, or no longer. */
  async setLive(live: boolean): Promise<void> {
    this.live = live;
    await this.#edit(() => this.tuner.setLive(live));
  }

  /** The project as a file: classes and what was learnt, not the photos. */
  async save(): Promise<Blob> {
    const file = await this.tuner.save();
    this.unsaved = false;
    return file;
  }

  /** The trained model with its network, for other programs. */
  async export(format: ExportFormat): Promise<Blob> {
    return this.tuner.export(format);
  }

  /**
   * Replaces what is here with a project file and gives the report of its last training.
   * On failure everything stays as it was.
   */
  async open(file: Blob): Promise<StoredReport | null> {
    const next = await Tuner.open(file);
    const previous = this.#tuner;
    this.#use(next);
    this.classes = [];
    for (const { label } of next.classes) this.#append(label, []);
    this.rejected = [];
    this.keptBack = [];
    this.unsaved = false;
    await previous?.dispose();
    return next.report;
  }

  /**
   * Takes the pretrained network of a weights file, or the one of this page. The photos go over to it; what was learnt does
   * not. On failure everything stays as it was, and `explain` says why. Tells whether it succeeded.
   *
   * @param weights With the name of the architecture where the file does not say it.
   */
  async useBackbone(weights: { file: Blob; arch: string } | null, explain: (error: unknown) => Trouble): Promise<boolean> {
    let changed = false;
    await this.#edit(async () => {
      let next: Tuner | undefined;
      try {
        const described = weights?.arch ? { spec: { arch: weights.arch } } : {};
        next = await Tuner.create(weights ? { backbone: weights.file, ...described } : {});
        this.classes = await this.#carryOver(next);
        await this.#tuner?.dispose();
        this.#use(next);
        this.#touch();
        changed = true;
        this.spoken = `The network is now ${this.backbone}.`;
      } catch (error) {
        await next?.dispose();
        this.notice = { kind: 'trouble', ...explain(error) };
      }
    });
    return changed;
  }

  /** Gives all photos to another tuner, and the classes with their numbers there. */
  async #carryOver(next: Tuner): Promise<PhotoClass[]> {
    const classes: PhotoClass[] = [];
    for (const one of this.classes) {
      const photos: Photo[] = [];
      for (const photo of one.photos) {
        const { added } = await next.addExamples(one.label, photo.file, photo.group === undefined ? {} : { group: photo.group });
        if (added[0]) photos.push({ ...photo, id: added[0].id });
      }
      classes.push({ ...one, photos });
    }
    return classes;
  }

  /** Does something that may fail, and then shows its trouble. */
  async attempt(task: () => Promise<unknown>): Promise<void> {
    this.notice = null;
    try {
      await task();
    } catch (error) {
      if (!isAbort(error)) this.notice = { kind: 'trouble', ...troubleOf(error) };
    }
  }

  #use(tuner: Tuner): void {
    this.#tuner = tuner;
    this.device = tuner.device;
    this.backbone = tuner.spec.arch;
    this.live = false;
    this.answers = tuner.report !== null;
    this.state = 'ready';
    this.#started.resolve();
  }

  #note(progress: LoadProgress): void {
    this.loaded = { ...this.loaded, [progress.file]: progress };
  }

  async #addPortion(label: string, files: Blob[], group: string | undefined): Promise<number> {
    const { added, rejected } = await this.tuner.addExamples(label, files, group === undefined ? {} : { group });
    const refused = new Set(rejected.map(({ index }) => index));
    const kept = files.filter((_, index) => !refused.has(index));
    const photos = kept.flatMap((file, place) => {
      const example = added[place];
      return example ? [{ id: example.id, label, name: nameOf(file), file, group }] : [];
    });
    this.#change((one) => (one.label === label ? { ...one, photos: [...one.photos, ...photos] } : one));
    this.rejected = [
      ...this.rejected,
      ...rejected.map(({ index, error }) => ({ name: nameOf(files[index]), trouble: troubleOf(error) })),
    ];
    if (this.adding) this.adding = { ...this.adding, done: this.adding.done + files.length };
    return added.length;
  }

  #append(label: string, photos: Photo[]): void {
    this.#lastKey += 1;
    this.classes = [...this.classes, { key: this.#lastKey, label, photos }];
    this.#touch();
  }

  /** Whether the tuner has the class; it hears of one with its first photo. */
  #known(label: string): boolean {
    return this.tuner.classes.some((one) => one.label === label);
  }

  #touch(): void {
    this.revision += 1;
    this.unsaved = true;
  }

  #change(map: (one: PhotoClass) => PhotoClass): void {
    this.classes = this.classes.map(map);
    this.#touch();
  }

  #edit(task: () => Promise<void>): Promise<void> {
    const edit = this.#edits.then(() => this.attempt(task)).then(() => {
      this.answers = this.tuner.report !== null;
    });
    this.#edits = edit;
    return edit;
  }

  #freeLabel(wanted: string): string {
    const taken = new Set(this.classes.map(({ label }) => label));
    for (let number = this.classes.length + 1; ; number += 1) {
      const label = `${wanted} ${number}`;
      if (!taken.has(label)) return label;
    }
  }
}

function nameOf(file: Blob | undefined): string {
  return file instanceof File ? file.name : 'photo';
}

export const project = new Project();
