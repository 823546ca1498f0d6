// What users of the package call.

import { MODELS, compiled, fetched, moduleFor, moduleUrl } from "./assets.js";
import { PidinetError, aborted } from "./errors.js";
import { EdgeMap } from "./map.js";
import { count, drawing, finish, fraction, longestSide } from "./options.js";
import { Pool } from "./pool.js";
import { pixels, readable } from "./source.js";
import { Watch } from "./watch.js";

/** Longest side of a still image that is looked at unless told otherwise, in pixels. */
const MAX_SIDE = 1024;
/** Most pixels of an image: twice what a good camera has. */
const MAX_PIXELS = 64e6;

const cores = () => globalThis.navigator?.hardwareConcurrency || 2;

/** The bytes of a model: of the package, of a URL, or at hand. */
async function modelBytes(model, signal) {
  if (model instanceof ArrayBuffer) return model;
  if (ArrayBuffer.isView(model)) return model.buffer.slice(model.byteOffset, model.byteOffset + model.byteLength);
  const known = Object.hasOwn(MODELS, model) ? MODELS[model].url() : model;
  const isUrl = known instanceof URL || (typeof known === "string" && /[/.]/.test(known));
  if (!isUrl) {
    const names = Object.keys(MODELS).join(", ");
    throw new PidinetError("options", `there is no model ${String(model)}: expected ${names}, a URL, or the bytes of a file`);
  }
  const response = await fetched(known, signal);
  return response.arrayBuffer();
}

/** What a promise gives, or the reason of a signal if that is aborted first. */
function unlessAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted(signal));
    signal.addEventListener("abort", () => reject(aborted(signal)), { once: true });
    promise.then(resolve, reject);
  });
}

export class EdgeDetector {
  #pool;
  #edges;
  #edgesModel;
  #watches = new Set();
  #maxPixels;

  /** Use `EdgeDetector.create`. */
  constructor(secret, pool, about) {
    if (secret !== SECRET) throw new PidinetError("options", "a detector is made by EdgeDetector.create()");
    this.#pool = pool;
    this.#edgesModel = about.edges;
    this.#maxPixels = about.maxPixels;
    this.model = about.model;
    this.isa = about.isa;
    this.device = "wasm";
  }

  static async create({ model = "tiny", edges, workers, device = "wasm", wasm, isa, maxPixels = MAX_PIXELS, signal } = {}) {
    if (signal?.aborted) throw aborted(signal);
    if (device !== "wasm") {
      throw new PidinetError("unsupported", `there is no device ${String(device)}: expected "wasm"`);
    }
    const number = workers === undefined ? Math.min(4, Math.max(2, cores() - 1)) : count("workers", workers);
    const url = wasm ?? moduleUrl(moduleFor(isa));
    const [module, bytes] = await Promise.all([
      url instanceof WebAssembly.Module ? url : compiled(url, signal),
      modelBytes(model, signal),
    ]);
    const pool = new Pool(number, { kind: "start", module, model: bytes });
    try {
      const [about] = await unlessAborted(pool.started(), signal);
      const partner = edges ?? (Object.hasOwn(MODELS, model) ? MODELS[model].edges?.() : undefined);
      return new EdgeDetector(SECRET, pool, { ...about, edges: partner, maxPixels });
    } catch (error) {
      pool.close();
      throw error;
    }
  }

  get workers() {
    return this.#pool.size;
  }

  get closed() {
    return this.#pool.closed;
  }

  async detect(source, options = {}) {
    const { detail = 0, maxSide, format = "u8", signal } = options;
    this.#check(format);
    const job = {
      kind: "detect",
      detail: fraction("detail", detail) ?? 0,
      maxSide: longestSide(maxSide, MAX_SIDE),
      finish: finish(options),
      floats: format === "f32",
    };
    const edges = await this.#edgesFor(job.detail, signal);
    const { job: found, transfer, width, height } = await pixels(source, this.#maxPixels);
    return this.#find({ ...job, source: found }, { transfer, signal, edges }, [width, height]);
  }

  /** Another style, thinness or threshold of a map, without looking at the image again. */
  async refine(map, options = {}) {
    const { format = map.data instanceof Float32Array ? "f32" : "u8", signal } = options;
    this.#check(format);
    const { data, width, height, sourceWidth, sourceHeight, detail } = map;
    const job = { kind: "refine", map: { data, width, height }, finish: finish(options), floats: format === "f32" };
    const result = await this.#pool.run(job, { signal });
    return new EdgeMap({ ...result, sourceWidth, sourceHeight, detail });
  }

  /** The lines of an image or of a map, as SVG. */
  async lines(source, options = {}) {
    const how = drawing(options.lines);
    const whole = { ...options, format: "f32", thin: "none", threshold: undefined, style: "soft", invert: false };
    const map = source instanceof EdgeMap ? source : await this.detect(source, whole);
    const { data, width, height } = map;
    return this.#pool.run({ kind: "lines", map: { data, width, height }, drawing: how }, { signal: options.signal });
  }

  /** Finds edges in a video or camera for as long as it runs. */
  watch(video, callback, options = {}) {
    if (this.closed) throw new PidinetError("closed", "the detector was closed");
    if (typeof video?.videoWidth !== "number") throw new PidinetError("source", "watch() takes a <video>");
    const { maxSide = "auto" } = options;
    const side = maxSide === "auto" ? maxSide : longestSide(maxSide);
    finish(options);
    fraction("detail", options.detail);
    const watch = new Watch(
      video,
      {
        workers: this.workers,
        hasRoom: () => this.#pool.hasIdle,
        detect: (bitmap, frame) => this.#frame(bitmap, frame),
      },
      callback,
      { ...options, maxSide: side },
    );
    this.#watches.add(watch);
    const forget = () => this.#watches.delete(watch);
    watch.done.then(forget, forget);
    return watch;
  }

  /** Bytes of memory that all workers have taken for WebAssembly. */
  async memory() {
    const all = await this.#pool.askAll({ kind: "memory" });
    return all.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Stops workers and what they do: promises that are open are rejected. */
  close() {
    for (const watch of this.#watches) watch.stop();
    this.#pool.close();
  }

  #check(format) {
    if (this.closed) throw new PidinetError("closed", "the detector was closed");
    if (format !== "u8" && format !== "f32") {
      throw new PidinetError("options", `format is ${String(format)}: expected "u8" or "f32"`);
    }
  }

  /** The model of every edge, if a detail needs it; fetched once. */
  async #edgesFor(detail, signal) {
    if (detail === 0) return this.#edges && (await this.#edges.catch(() => undefined));
    if (this.#edgesModel === undefined) {
      throw new PidinetError("options", `the model ${this.model} has no partner for a detail of ${detail}: give \`edges\``);
    }
    this.#edges ??= modelBytes(this.#edgesModel).catch((error) => {
      this.#edges = undefined;
      throw error;
    });
    return unlessAborted(this.#edges, signal);
  }

  async #frame(bitmap, options) {
    const { detail = 0, signal } = options;
    const edges = await this.#edgesFor(detail, signal);
    const job = { kind: "detect", detail, maxSide: Infinity, finish: finish(options), floats: options.format === "f32" };
    const size = [bitmap.width, bitmap.height];
    return this.#find({ ...job, source: { bitmap } }, { transfer: [bitmap], signal, edges }, size);
  }

  async #find(job, run, [sourceWidth, sourceHeight]) {
    try {
      const map = await this.#pool.run(job, run);
      return new EdgeMap({ ...map, sourceWidth, sourceHeight, detail: job.detail });
    } catch (error) {
      job.source.bitmap?.close();
      throw readable(error);
    }
  }
}

const SECRET = Symbol("create");
