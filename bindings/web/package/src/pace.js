// How large frames may be so that enough of them are looked at in a second.

const LEAST = 128;
const MOST = 1280;

/** Finds the longest side with which `wanted` frames a second are done. */
export class Pace {
  #wanted;
  #side;
  #since;
  #done = 0;

  constructor(wanted = 15, side = 384) {
    this.#wanted = wanted;
    this.#side = side;
  }

  get side() {
    return Math.min(MOST, Math.max(LEAST, 16 * Math.round(this.#side / 16)));
  }

  /** A frame was done at a time, in milliseconds, while a worker was busy for a share of the time since the last. */
  done(now, { ms, workers }) {
    this.#since ??= now;
    this.#done += 1;
    const seconds = (now - this.#since) / 1000;
    if (this.#done < 8 || seconds < 0.5) return;
    // What came, and what would have come had the camera given more: workers that wait could do as much again.
    const rate = this.#done / seconds;
    const possible = Math.max(rate, Math.min((workers * 1000) / ms, 1.3 * rate));
    const factor = Math.sqrt(possible / (1.1 * this.#wanted));
    if (factor < 0.97 || factor > 1.15) {
      this.#side = Math.min(MOST, Math.max(LEAST, this.#side * Math.min(1.25, Math.max(0.6, factor))));
    }
    this.#since = now;
    this.#done = 0;
  }
}
