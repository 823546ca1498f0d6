// How large frames may be so that enough of them are looked at in a second.

const LEAST = 128;
const MOST = 1280;
const STEP = 16;
/** Milliseconds, and maps, that a size is judged by. */
const WINDOW = 1000;
const MAPS = 4;
/** Times as many maps as wanted: fewer make frames smaller, more make them larger, and a change aims between. */
const [LOW, AIM, HIGH] = [1.05, 1.13, 1.33];
/** Milliseconds until frames may grow again after they were too large, at first and at most. */
const PATIENCE = [3000, 60_000];

const between = (least, value, most) => Math.min(most, Math.max(least, value));

/** Finds the longest side with which at least `wanted` frames a second are done. */
export class Pace {
  #wanted;
  #side;
  #since;
  #dropped;
  #done = 0;
  #ms = 0;
  #grown = false;
  #patience = PATIENCE[0];
  #notBefore = -Infinity;

  constructor(wanted = 15, side = 384) {
    this.#wanted = wanted;
    this.#side = side;
  }

  get side() {
    return between(LEAST, STEP * Math.round(this.#side / STEP), MOST);
  }

  /**
   * A map came at the time `now` of a frame that was given the longest side `side`, after `ms` in one of the `workers`.
   * Before it, `dropped` frames had been left out in all; those that come have the longest side `most`.
   */
  done(now, { ms, workers, dropped, side, most }) {
    // Maps of frames that were on their way when the size changed say nothing of the new one.
    if (side !== this.side || this.#since === undefined) return this.#restart(now, dropped);
    this.#done += 1;
    this.#ms += ms;
    const passed = now - this.#since;
    if (this.#done < MAPS || passed < WINDOW) return;
    const rate = (1000 * this.#done) / passed;
    // Where many frames were left out, no more could be done; else workers waited, and can do what their time allows.
    const busy = dropped - this.#dropped > 0.1 * this.#done;
    const possible = busy ? rate : (1000 * workers * this.#done) / this.#ms;
    this.#judge(now, possible / this.#wanted, STEP * Math.ceil(most / STEP));
    this.#restart(now, dropped);
  }

  #restart(now, dropped) {
    this.#since = now;
    this.#dropped = dropped;
    this.#done = 0;
    this.#ms = 0;
  }

  #judge(now, times, most) {
    // The time for a frame goes with its area.
    const factor = Math.sqrt(times / AIM);
    const side = Math.min(this.side, most);
    if (times < LOW) {
      // What was tried in vain is tried again later and later.
      if (this.#grown) this.#patience = Math.min(2 * this.#patience, PATIENCE[1]);
      this.#notBefore = now + this.#patience;
      this.#grown = false;
      // At least one step, however little is missing.
      this.#side = Math.max(LEAST, Math.min(side * Math.max(factor, 0.6), side - STEP));
    } else if (times > HIGH && now >= this.#notBefore && side < most) {
      this.#grown = true;
      this.#side = Math.min(side * Math.min(factor, 1.25), most, MOST);
    }
  }
}
