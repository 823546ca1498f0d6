// Workers that share out jobs: each does one at a time, the others wait in a queue.

import { PidinetError, aborted, unpacked } from "./errors.js";

const CLOSED = "the detector was closed";

function startWorker() {
  const url = new URL("./worker.js", import.meta.url);
  if (url.origin !== location.origin && url.protocol.startsWith("http")) {
    // A worker of another site may not be started, but one of this site may import it.
    const text = `import ${JSON.stringify(url.href)};`;
    const blob = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(blob, { type: "module" });
    setTimeout(() => URL.revokeObjectURL(blob), 60_000);
    return worker;
  }
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
}

/** One worker and the answers it owes. */
class Seat {
  #worker;
  #owed = new Map();
  #next = 0;
  busy = false;
  ready;
  hasEdges = false;
  broken = false;

  constructor(first) {
    this.#worker = startWorker();
    this.#worker.onmessage = ({ data: { id, value, error } }) => {
      const owed = this.#owed.get(id);
      this.#owed.delete(id);
      if (error?.fatal) this.broken = true;
      if (error) owed?.reject(unpacked(error));
      else owed?.resolve(value);
    };
    const failed = (event) => {
      event.preventDefault?.();
      const why = event.message ? `: ${event.message}` : ": its file cannot be loaded, or is no script";
      this.stop(new PidinetError("worker", `a worker failed${why}`));
    };
    this.#worker.onerror = failed;
    this.#worker.onmessageerror = failed;
    this.ready = this.ask(first);
    this.ready.catch(() => {});
  }

  ask(job, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#owed.set(id, { resolve, reject });
      try {
        this.#worker.postMessage({ id, ...job }, transfer);
      } catch (error) {
        this.#owed.delete(id);
        reject(error);
      }
    });
  }

  stop(error) {
    this.broken = true;
    this.#worker.terminate();
    for (const { reject } of this.#owed.values()) reject(error);
    this.#owed.clear();
  }
}

export class Pool {
  #seats = [];
  #queue = [];
  #start;
  #closed = false;

  /** Workers that begin with the job `start`. */
  constructor(count, start) {
    this.#start = start;
    for (let i = 0; i < count; i++) this.#seats.push(new Seat(start));
  }

  get size() {
    return this.#seats.length;
  }

  get closed() {
    return this.#closed;
  }

  /** What all workers say of themselves once they are ready. */
  started() {
    return Promise.all(this.#seats.map((seat) => seat.ready));
  }

  get hasIdle() {
    return !this.#closed && this.#queue.length === 0 && this.#seats.some((seat) => !seat.busy);
  }

  /** Does a job, with the bytes of the model of every edge at hand if it needs them. */
  run(job, { transfer, signal, edges } = {}) {
    if (this.#closed) return Promise.reject(new PidinetError("closed", CLOSED));
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise((resolve, reject) => {
      const entry = { job, transfer, edges, resolve, reject };
      signal?.addEventListener("abort", () => {
        const at = this.#queue.indexOf(entry);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(aborted(signal));
      }, { once: true });
      this.#queue.push(entry);
      this.#deal();
    });
  }

  /** What each worker answers to a question, apart from the queue. */
  askAll(job) {
    return Promise.all(this.#seats.map((seat) => seat.ask(job)));
  }

  close() {
    this.#closed = true;
    const error = new PidinetError("closed", CLOSED);
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const seat of this.#seats.splice(0)) seat.stop(error);
  }

  #deal() {
    for (const [at, seat] of this.#seats.entries()) {
      if (this.#queue.length === 0) return;
      if (seat.busy) continue;
      // What is broken is replaced when there is work again.
      const fit = seat.broken ? (this.#seats[at] = new Seat(this.#start)) : seat;
      if (seat.broken) seat.stop(new PidinetError("worker", "a worker failed"));
      this.#do(fit, this.#queue.shift());
    }
  }

  async #do(seat, { job, transfer, edges, resolve, reject }) {
    seat.busy = true;
    try {
      await seat.ready;
      if (edges && !seat.hasEdges) {
        await seat.ask({ kind: "edges", model: edges });
        seat.hasEdges = true;
      }
      resolve(await seat.ask(job, transfer));
    } catch (error) {
      reject(error);
    } finally {
      seat.busy = false;
      if (!this.#closed) this.#deal();
    }
  }
}
