// The edges of a video or camera, frame by frame, as many as there is time for.

import { Pace } from "./pace.js";
import { fitted } from "./options.js";

/** Milliseconds without a frame after which the video, or the page, has been at rest. */
const REST = 2000;

/** Calls back with the next frame that is shown, and how many have been; gives a function that calls it off. */
function nextFrame(video, call) {
  if (video.requestVideoFrameCallback) {
    const handle = video.requestVideoFrameCallback((now, { presentedFrames }) => call(presentedFrames));
    return () => video.cancelVideoFrameCallback(handle);
  }
  const handle = requestAnimationFrame(() => call());
  return () => cancelAnimationFrame(handle);
}

export class Watch {
  #video;
  #detect;
  #hasRoom;
  #callback;
  #options;
  #pace;
  #cancel = () => {};
  #stopped = false;
  #flying = 0;
  #fresh = false;
  #presented = 0;
  #framed = -Infinity;
  #order = 0;
  #shown = 0;
  #times = [];
  #ms = 0;
  #finished;
  /** Fulfilled once it has stopped, rejected with what went wrong. */
  done;
  dropped = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {{detect: Function, hasRoom: () => boolean, workers: number}} pool
   */
  constructor(video, { detect, hasRoom, workers }, callback, { maxSide, ...options }) {
    this.#video = video;
    this.#detect = detect;
    this.#hasRoom = hasRoom;
    this.#callback = callback;
    this.workers = workers;
    this.#pace = maxSide === "auto" ? new Pace() : { side: maxSide, done() {} };
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#finished = { resolve, reject };
    });
    this.done.catch(() => {});
    options.signal?.addEventListener("abort", () => this.stop(), { once: true });
    if (options.signal?.aborted) this.stop();
    else this.#wait();
  }

  get stopped() {
    return this.#stopped;
  }

  /** Looks at later frames in another way. */
  change({ maxSide, ...options }) {
    Object.assign(this.#options, options);
    if (maxSide !== undefined) this.#pace = maxSide === "auto" ? new Pace() : { side: maxSide, done() {} };
  }

  stop() {
    this.#end(() => this.#finished.resolve());
  }

  #end(how) {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    how();
  }

  #wait() {
    if (!this.#stopped) this.#cancel = nextFrame(this.#video, (presented) => this.#frame(presented));
  }

  #frame(presented = this.#presented + 1) {
    this.#wait();
    const now = performance.now();
    // A page that has no time is not told of every frame.
    const untold = now - this.#framed < REST ? presented - this.#presented - 1 : 0;
    this.dropped += Math.max(0, untold) + (this.#fresh ? 1 : 0);
    this.#presented = presented;
    this.#framed = now;
    this.#fresh = this.#video.videoWidth > 0 && this.#video.videoHeight > 0; // else it is not there yet
    this.#lookIfFree();
  }

  /** Looks at the frame that is shown, if nobody has yet and a worker is free: at once, not when the next one comes. */
  #lookIfFree() {
    if (this.#stopped || !this.#fresh || this.#flying >= this.workers || !this.#hasRoom()) return;
    this.#fresh = false;
    this.#look().then(
      () => this.#lookIfFree(),
      (error) => this.#end(() => this.#finished.reject(error)),
    );
  }

  async #look() {
    const { videoWidth, videoHeight } = this.#video;
    const order = ++this.#order;
    this.#flying += 1;
    try {
      const { side } = this.#pace;
      const [resizeWidth, resizeHeight] = fitted(videoWidth, videoHeight, side);
      const smaller = resizeWidth < videoWidth ? { resizeWidth, resizeHeight, resizeQuality: "medium" } : {};
      const bitmap = await createImageBitmap(this.#video, smaller);
      if (this.#stopped) return bitmap.close();
      const map = await this.#detect(bitmap, this.#options);
      if (this.#stopped || order < this.#shown) return;
      this.#shown = order;
      this.#callback(map, this.#stats(map.ms, side, Math.max(videoWidth, videoHeight)));
    } catch (error) {
      if (!this.#stopped) throw error;
    } finally {
      this.#flying -= 1;
    }
  }

  #stats(ms, side, most) {
    const now = performance.now();
    this.#times.push(now);
    while (this.#times.length > 2 && now - this.#times[0] > 2000) this.#times.shift();
    const seconds = (now - this.#times[0]) / 1000;
    this.#ms = this.#ms === 0 ? ms : 0.8 * this.#ms + 0.2 * ms;
    this.#pace.done(now, { ms, workers: this.workers, dropped: this.dropped, side, most });
    const fps = seconds > 0 ? (this.#times.length - 1) / seconds : 0;
    return { fps, ms: this.#ms, dropped: this.dropped, maxSide: Math.min(side, most) };
  }
}
