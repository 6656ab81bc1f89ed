/** The public face: a project in work. All computing is done in a worker that it owns. */
import { ahead } from './ahead.js';
import { recommend } from './backbone.js';
import { BACKBONES } from './catalogue.js';
import type { CallOptions, Connection } from './connection.js';
import { optionInvalid, RekindleError } from './errors.js';
import { capture, isMany, listOf, readImage, transferOf } from './images.js';
import { checkAddOptions, checkBudget, checkCreateOptions, checkLabel, checkPreviewOptions, checkSignal, checkTopOptions, withoutUndefined } from './options.js';
import type { ImageSource } from './protocol.js';
import { type Started, start } from './startup.js';
import { TrainingRun } from './training.js';
import type {
  Added,
  AddOptions,
  BackboneInfo,
  BackboneSummary,
  Budget,
  ClassCount,
  CreateOptions,
  DeviceInfo,
  Example,
  Explanation,
  ExportFormat,
  Health,
  HealthOptions,
  ImageInput,
  LabelledImage,
  Metrics,
  NamedClass,
  Prediction,
  PreviewOptions,
  Rejected,
  Spec,
  StartupTimings,
  StoredReport,
  TrainOptions,
} from './types.js';

/** Images that are decoded at once while examples are added: enough for the browser's decoders, few enough for the memory. */
const MOST_DECODED = 4;

/**
 * A project in work: labelled examples, a pretrained backbone, and the head that is trained on them.
 *
 * Calls that change the project are carried out in the order in which they were made, awaited or not. Predicting waits
 * for none of them and goes on during a training. Every call rejects with a {@link RekindleError}: besides the codes that
 * it names, with `DISPOSED` after {@link Tuner.dispose} and with `WORKER_FAILED` once the worker has broken down.
 *
 * Labels are kept without white space at their ends and in Unicode's composed form (NFC).
 *
 * @example
 * const tuner = await Tuner.create();
 * await tuner.addExamples('cat', catFiles);
 * await tuner.addExamples('dog', dogFiles);
 * await tuner.train().report;
 * const { label, probability } = await tuner.predict(photo);
 */
export class Tuner {
  /** Every architecture that can be loaded, with its usual weights. */
  static readonly backbones: readonly BackboneInfo[] = BACKBONES;

  /** The device that is used, and why. */
  readonly device: DeviceInfo;
  /** Origin and preprocessing of the pretrained weights. */
  readonly spec: Spec;
  /** Where the time of starting went. */
  readonly startup: StartupTimings;
  /** Number of the backbone's stages: what `tune.lastStages` and `tune.cut` count. */
  readonly stages: number;

  readonly #connection: Connection;
  readonly #seed: number;
  /** Settles when all changes that were asked for are made. */
  #changes: Promise<unknown> = Promise.resolve();
  #run: TrainingRun | null = null;

  private constructor({ connection, device, spec, stages, startup }: Started, seed: number) {
    this.#connection = connection;
    this.device = device;
    this.spec = spec;
    this.stages = stages;
    this.startup = startup;
    this.#seed = seed;
  }

  /**
   * Starts an empty project: chooses the device, starts the worker, fetches wasm and weights.
   *
   * @param options Everything has a default, see {@link DEFAULT_CREATE_OPTIONS}.
   * @throws {RekindleError} OPTION_INVALID when an option is unknown or out of its range.
   * @throws {RekindleError} WEBGPU_UNAVAILABLE when `webgpu` is asked for and there is no adapter.
   * @throws {RekindleError} DEVICE_WRONG when `webgpu` is asked for and computes known answers wrongly.
   * @throws {RekindleError} OUT_OF_MEMORY when `webgpu` is asked for and has no memory for the backbone.
   * @throws {RekindleError} WORKER_FAILED, WASM_FAILED when the worker or the module does not start.
   * @throws {RekindleError} WEIGHTS_FETCH, WEIGHTS_FORMAT when the weights do not arrive or are not the right file.
   * @throws {DOMException} AbortError when `signal` aborts.
   * @example
   * const tuner = await Tuner.create({
   *   onProgress: ({ file, loadedBytes }) => console.log(file, loadedBytes),
   * });
   */
  static async create(options: CreateOptions = {}): Promise<Tuner> {
    const checked = checkCreateOptions(options, false);
    return new Tuner(await start(checked, null), checked.seed);
  }

  /**
   * Opens a project that was saved: it predicts as before. It has its classes and no examples; the seed of new examples is
   * the saved one.
   *
   * @param project What {@link Tuner.save} gave.
   * @param options As for {@link Tuner.create}; `inputSize` must be that of the saved project.
   * @throws {RekindleError} PROJECT_FORMAT when the file is damaged, too new, or made with other weights or input size.
   * @throws {RekindleError} As {@link Tuner.create}.
   * @example
   * const tuner = await Tuner.open(await (await fetch('pets.rekindle')).blob());
   */
  static async open(project: Blob, options: CreateOptions = {}): Promise<Tuner> {
    if (!(project instanceof Blob)) throw optionInvalid('project', project, 'a Blob or File');
    const checked = checkCreateOptions(options, true);
    const started = await start(checked, project);
    return new Tuner(started, started.connection.state.report?.seed ?? checked.seed);
  }

  /**
   * The backbone whose usual weights name most of ImageNet's images right, of those that take no longer for a view and no larger a
   * download than the budget says. Its time is its multiply-adds over the speed, which is the device's usual one where it is not given: a
   * rule of thumb, to be measured on the device where it matters.
   *
   * @param budget Everything has a default, see {@link DEFAULT_BUDGET} and {@link DEFAULT_SPEEDS}.
   * @returns Null where none is small enough.
   * @throws {RekindleError} OPTION_INVALID when an option is unknown, not a positive number or not a device.
   * @example
   * const best = Tuner.recommend({ viewMs: 100, downloadMb: 25 });
   * const tuner = await Tuner.create({ backbone: best?.name });
   */
  static recommend(budget: Budget = {}): BackboneInfo | null {
    return recommend(checkBudget(budget));
  }

  /** The classes in the order in which they were first named, with their numbers of examples; a new array at each change. */
  get classes(): readonly ClassCount[] {
    return this.#connection.state.classes;
  }

  /** The report of the training whose head is in use; null before the first. */
  get report(): StoredReport | null {
    return this.#connection.state.report;
  }

  /**
   * All examples in the order in which they were added.
   *
   * @example
   * const cats = (await tuner.examples()).filter(({ label }) => label === 'cat');
   */
  async examples(): Promise<Example[]> {
    return this.#inOrder(() => this.#connection.call('examples', {}));
  }

  /**
   * Adds labelled images, and their class where it is new. Images that cannot be used are told with their index; the good
   * ones beside them are added. Files are not copied: they must stay readable until they are removed.
   *
   * @param label Name of the class, not empty.
   * @param images One image, or an array, FileList or other iterable of them.
   * @param options `group` names what they were taken together with, so that none of them is judged by the others.
   * @throws {RekindleError} OPTION_INVALID when the label or the group is empty, or an option is unknown.
   * @example
   * const { added, rejected } = await tuner.addExamples('cat', input.files);
   * for (const { index, error } of rejected) console.warn(input.files[index].name, error.message);
   */
  async addExamples(
    label: string,
    images: ImageInput | Iterable<ImageInput>,
    options: AddOptions = {},
  ): Promise<Added> {
    const kept = checkLabel(label);
    const group = checkAddOptions(options).group ?? null;
    const sources = capture(listOf(images));
    return this.#inOrder(async () => {
      const added: Example[] = [];
      const rejected: Rejected[] = [];
      const keep = (source: () => Promise<ImageSource>) =>
        this.#askOne(source, (image, transfer) => this.#connection.call('keep', { image }, transfer));
      let index = 0;
      for (const file of ahead(sources, MOST_DECODED, keep)) {
        try {
          added.push(await this.#connection.call('addExample', { label: kept, image: await file, group }));
        } catch (error) {
          this.#connection.assertOpen();
          rejected.push({ index, error: RekindleError.from(error) });
        }
        index += 1;
      }
      return { added, rejected };
    });
  }

  /**
   * Removes examples; their classes stay.
   *
   * @param ids One id or several.
   * @throws {RekindleError} OPTION_INVALID when an id is unknown; then none is removed.
   * @example
   * await tuner.removeExamples(added.map(({ id }) => id));
   */
  async removeExamples(ids: number | Iterable<number>): Promise<void> {
    const list = typeof ids === 'number' ? [ids] : Array.from(ids);
    return this.#inOrder(() => this.#connection.call('removeExamples', { ids: list }));
  }

  /**
   * Moves examples to another class, which is made where it is new. What was computed of them is kept.
   *
   * @param ids One id or several.
   * @param label Name of the class, not empty.
   * @throws {RekindleError} OPTION_INVALID when an id is unknown or the label empty; then none is moved.
   * @example
   * await tuner.relabelExamples(example.id, 'wolf');
   */
  async relabelExamples(ids: number | Iterable<number>, label: string): Promise<void> {
    const list = typeof ids === 'number' ? [ids] : Array.from(ids);
    const kept = checkLabel(label);
    return this.#inOrder(() => this.#connection.call('relabelExamples', { ids: list, label: kept }));
  }

  /**
   * Puts examples into a group, or out of any: see {@link AddOptions}. The next training splits accordingly.
   *
   * @param ids One id or several.
   * @param group Name of the group, not empty; null for none.
   * @throws {RekindleError} OPTION_INVALID when an id is unknown or the name empty; then none is moved.
   * @example
   * await tuner.groupExamples(added.map(({ id }) => id), 'monday');
   */
  async groupExamples(ids: number | Iterable<number>, group: string | null): Promise<void> {
    const list = typeof ids === 'number' ? [ids] : Array.from(ids);
    const args = { ids: list, group: group === null ? null : checkLabel(group, 'group') };
    return this.#inOrder(() => this.#connection.call('groupExamples', args));
  }

  /**
   * Gives a class another label; a trained head keeps knowing it, under the new label.
   *
   * @param label Name of the class.
   * @param to Its new name, not empty and not that of another class.
   * @throws {RekindleError} LABEL_UNKNOWN when there is no such class.
   * @throws {RekindleError} OPTION_INVALID when the new name is empty or taken.
   * @example
   * await tuner.renameClass('cat', 'house cat');
   */
  async renameClass(label: string, to: string): Promise<void> {
    const args = { label: checkLabel(label), to: checkLabel(to, 'to') };
    return this.#inOrder(() => this.#connection.call('renameClass', args));
  }

  /**
   * Removes a class and its examples. A trained head knows it until the next training.
   *
   * @param label Name of the class.
   * @throws {RekindleError} LABEL_UNKNOWN when there is no such class.
   * @example
   * await tuner.removeClass('dog');
   */
  async removeClass(label: string): Promise<void> {
    const args = { label: checkLabel(label) };
    return this.#inOrder(() => this.#connection.call('removeClass', args));
  }

  /**
   * The image of an example, to be shown: the file that was given, or a PNG of what was given as pixels.
   *
   * @param id Id of the example.
   * @throws {RekindleError} OPTION_INVALID when the id is unknown.
   * @example
   * img.src = URL.createObjectURL(await tuner.image(example.id));
   */
  async image(id: number): Promise<Blob> {
    return this.#inOrder(() => this.#connection.call('image', { id }));
  }

  /**
   * The backbone's stages with their shapes, parameters and multiply-adds, and which of them are frozen.
   *
   * @example
   * console.table((await tuner.summary()).stages);
   */
  async summary(): Promise<BackboneSummary> {
    return this.#inOrder(() => this.#connection.call('summary', {}));
  }

  /**
   * The views of an image that a training would see, as images of the input size.
   *
   * @param image One image.
   * @param options Ranges of the augmentation, `views` (1 to 100, the first is the plain one) and seed.
   * @throws {RekindleError} OPTION_INVALID when an option is unknown or out of its range.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when the image cannot be used.
   * @example
   * const [plain, ...augmented] = await tuner.preview(photo, { augment: { rotation: 45 }, views: 6 });
   */
  async preview(image: ImageInput, options: PreviewOptions = {}): Promise<ImageData[]> {
    const { views, seed = this.#seed, augment = {} } = checkPreviewOptions(options);
    const { rgba, side } = await this.#askOne(
      () => readImage(image),
      (source, transfer) => {
        const args = { image: source, views, seed, augment: withoutUndefined(augment) };
        return this.#connection.call('preview', args, transfer);
      },
    );
    const bytes = side * side * 4;
    return Array.from({ length: views }, (_, view) => {
      return new ImageData(new Uint8ClampedArray(rgba.buffer, rgba.byteOffset + view * bytes, bytes), side, side);
    });
  }

  /**
   * Begins a training, after the changes that were asked for so far; later ones do not touch it once its epochs begin.
   * Only views that were never computed are computed. The head that was there is used until the new one is done.
   *
   * It never throws: whatever fails, fails the run. A second training at once fails with `OPTION_INVALID`.
   *
   * @param options Everything has a default, see {@link DEFAULT_TRAIN_OPTIONS}; `signal` cancels.
   * @returns The run: iterate it for its events, await its `report`.
   * @example
   * for await (const event of tuner.train({ epochs: 30 })) {
   *   if (event.type === 'epoch') console.log(event.epoch, event.validationAccuracy);
   * }
   */
  train(options: TrainOptions = {}): TrainingRun {
    const { signal, ...chosen } = options;
    const busy = this.#run !== null && !this.#run.ended;
    const changes = this.#changes;
    const run = new TrainingRun(
      async (emit, cancelled, onPausable) => {
        checkSignal(signal);
        if (busy) throw optionInvalid('train', 'called during a training', 'called when the other run is over or cancelled');
        await changes;
        const { augment = {}, tune = {}, ...rest } = chosen;
        const nested = { augment: withoutUndefined(augment), tune: withoutUndefined(tune) };
        const args = { options: { ...withoutUndefined(rest), ...nested } };
        return this.#connection.call('train', args, {
          signal: cancelled,
          onPausable,
          onEvent: (event) => 'type' in event && emit(event),
        });
      },
      signal instanceof AbortSignal ? signal : undefined,
    );
    if (!busy) this.#run = run;
    return run;
  }

  /**
   * Turns live mode on or off. With it on, the head is solved anew after every image that is added, moved or removed, from
   * where it was, before the call resolves: predictions are always of the examples as they are. Only the plain views are
   * learnt from; strength and temperature stay as the last training chose them, and nothing is held out. Where the last
   * training's `solver` was `prototype` or `neighbours`, it is the means or the neighbours that follow. A training is
   * still worth its time at the end.
   *
   * @param on Whether the head follows.
   * @example
   * await tuner.setLive(true);
   * await tuner.addExamples('cat', frame);
   * const { label } = await tuner.predict(video);
   */
  async setLive(on: boolean): Promise<void> {
    if (typeof on !== 'boolean') throw optionInvalid('on', on, 'true or false');
    return this.#inOrder(() => this.#connection.call('setLive', { on }));
  }

  /**
   * Looks for what is wrong with the examples as they are, trained or not: too few or uneven numbers, copies, images that
   * show little, labels that the other examples contradict, classes that are confused. Each finding names its examples
   * and says what to do. Images that were never embedded are, which takes most of the time.
   *
   * @param options `signal` gives up.
   * @throws {DOMException} AbortError when `signal` aborts.
   * @throws {RekindleError} IMAGE_DECODE when the file of an example can no longer be read; `details.example` is its id.
   * @example
   * for (const { message, advice, examples } of (await tuner.health()).findings) console.log(message, advice, examples);
   */
  async health({ signal }: HealthOptions = {}): Promise<Health> {
    checkSignal(signal);
    await this.#changes;
    return this.#connection.call('health', {}, { signal });
  }

  /**
   * Classifies an image, or many one after the other. A `<video>` gives its current frame.
   *
   * @param images One image for one prediction, an iterable of them for an array.
   * @throws {RekindleError} NOT_TRAINED before the first training.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when an image cannot be used; `details.index` says which of many.
   * @example
   * const { label, probability } = await tuner.predict(video);
   */
  predict(image: ImageInput): Promise<Prediction>;
  predict(images: Iterable<ImageInput>): Promise<Prediction[]>;
  async predict(images: ImageInput | Iterable<ImageInput>): Promise<Prediction | Prediction[]> {
    return this.#ask(images, (image, transfer) => this.#connection.call('predict', { image }, transfer));
  }

  /**
   * Where in an image a class was seen, at the image's resolution: with a linear head the exact class activation map, with a
   * hidden layer its gradient in place of the weights (Grad-CAM).
   *
   * @param image One image.
   * @param label The class; the most probable one where left out.
   * @throws {RekindleError} NOT_TRAINED before the first training.
   * @throws {RekindleError} LABEL_UNKNOWN when the head was not trained on that label.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when the image cannot be used.
   * @example
   * const { width, height, heat } = await tuner.explain(photo, 'cat');
   */
  async explain(image: ImageInput, label?: string): Promise<Explanation> {
    const kept = label === undefined ? null : checkLabel(label);
    return this.#askOne(
      () => readImage(image),
      (source, transfer) => this.#connection.call('explain', { image: source, label: kept }, transfer),
    );
  }

  /**
   * Classifies an image by the classifier that the pretrained weights were trained with, untrained classes or not: it names one of
   * ImageNet's 1000. MobileNetV2's file is fetched at the first call; ResNet, EfficientNet, MobileNetV1 and V2 and SqueezeNet have theirs in the files
   * of torchvision and timm. That of VGG, AlexNet and MobileNetV3 has more layers than one and is not used.
   *
   * @param image One image.
   * @param options `top`: how many of the likeliest classes, 5 where left out.
   * @throws {RekindleError} OPTION_INVALID when the classifier of these weights is not known or has more layers: give `classifier` to `Tuner.create`.
   * @throws {RekindleError} WEIGHTS_FETCH, WEIGHTS_FORMAT, WEIGHTS_MISMATCH when its file does not arrive or is not the right one.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when the image cannot be used.
   * @example
   * const [{ label, probability }] = await tuner.classifyPretrained(photo);
   */
  async classifyPretrained(image: ImageInput, options: { top?: number } = {}): Promise<NamedClass[]> {
    const { top } = checkTopOptions(options);
    return this.#askOne(
      () => readImage(image),
      (source, transfer) => this.#connection.call('classifyPretrained', { image: source, top }, transfer),
    );
  }

  /**
   * The backbone's embedding of an image, or of many one after the other: what the head sees.
   *
   * @param images One image for one embedding, an iterable of them for an array.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when an image cannot be used; `details.index` says which of many.
   * @example
   * const embedding = await tuner.embed(photo);
   */
  embed(image: ImageInput): Promise<Float32Array>;
  embed(images: Iterable<ImageInput>): Promise<Float32Array[]>;
  async embed(images: ImageInput | Iterable<ImageInput>): Promise<Float32Array | Float32Array[]> {
    return this.#ask(images, (image, transfer) => this.#connection.call('embed', { image }, transfer));
  }

  /**
   * Judges the trained head on images whose labels are known and that it was not trained on.
   *
   * @param examples Images with their true labels.
   * @throws {RekindleError} NOT_TRAINED before the first training.
   * @throws {RekindleError} LABEL_UNKNOWN when a label is none that the head was trained on.
   * @throws {RekindleError} IMAGE_DECODE, IMAGE_SHAPE when an image cannot be used; `details.index` says which.
   * @example
   * const { accuracy } = await tuner.evaluate(testPhotos.map((image) => ({ image, label: 'cat' })));
   */
  async evaluate(examples: Iterable<LabelledImage>): Promise<Metrics> {
    const list = Array.from(examples);
    const labels = list.map(({ label }) => checkLabel(label));
    const embeddings = await this.embed(list.map(({ image }) => image));
    const length = embeddings[0]?.length ?? 0;
    const features = new Float32Array(embeddings.length * length);
    for (const [row, embedding] of embeddings.entries()) features.set(embedding, row * length);
    return this.#connection.call('evaluate', { features, labels });
  }

  /**
   * Makes a project file: classes, pretrained spec, options, report, head. Images are not in it.
   *
   * @throws {RekindleError} NOT_TRAINED before the first training.
   * @example
   * link.href = URL.createObjectURL(await tuner.save());
   * link.download = 'pets.rekindle';
   */
  async save(): Promise<Blob> {
    const file = await this.#inOrder(() => this.#connection.call('save', {}));
    return new Blob([file], { type: 'application/x-rekindle' });
  }

  /**
   * The trained model with its backbone, fine-tuned stages included, for other tools. Which images are `unknown` is not in it.
   *
   * @param format `onnx`: runs from the pixels of the crop to probabilities, in any ONNX runtime. `safetensors`: the tensors of
   * backbone and head, for PyTorch.
   * @throws {RekindleError} NOT_TRAINED before the first training.
   * @throws {RekindleError} OPTION_INVALID when there is no such format.
   * @example
   * link.href = URL.createObjectURL(await tuner.export('onnx'));
   * link.download = 'pets.onnx';
   */
  async export(format: ExportFormat): Promise<Blob> {
    if (format !== 'onnx' && format !== 'safetensors') throw optionInvalid('format', format, "'onnx' or 'safetensors'");
    return new Blob([await this.#inOrder(() => this.#connection.call('export', { format }))]);
  }

  /**
   * Ends the worker and frees its memory. Calls and runs under way, and all later ones, reject with `DISPOSED`.
   *
   * @example
   * await tuner.dispose();
   */
  async dispose(): Promise<void> {
    this.#connection.close(new RekindleError('DISPOSED', 'this tuner was disposed of: create or open another one'));
  }

  /** Carries out a change, or a question about the project, after all that was asked for before it. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(() => {
      this.#connection.assertOpen();
      return work();
    });
    this.#changes = result.catch(() => {});
    return result;
  }

  /** Asks for something about one image, or about many, one after the other, so that few are in memory at once. */
  async #ask<T>(images: ImageInput | Iterable<ImageInput>, ask: Ask<T>): Promise<T | T[]> {
    return isMany(images) ? this.#askEach(images, ask) : this.#askOne(() => readImage(images), ask);
  }

  async #askEach<T>(images: Iterable<ImageInput>, ask: Ask<T>): Promise<T[]> {
    const answers: T[] = [];
    for (const [index, source] of capture(Array.from(images)).entries()) {
      try {
        answers.push(await this.#askOne(source, ask));
      } catch (thrown) {
        const { code, message, details } = RekindleError.from(thrown);
        throw new RekindleError(code, message, { ...details, index });
      }
    }
    return answers;
  }

  async #askOne<T>(source: () => Promise<ImageSource>, ask: Ask<T>): Promise<T> {
    this.#connection.assertOpen();
    const image = await source();
    return ask(image, { transfer: transferOf(image) });
  }
}

/** A call about an image that is ready to be posted. */
type Ask<T> = (image: ImageSource, options: CallOptions) => Promise<T>;
