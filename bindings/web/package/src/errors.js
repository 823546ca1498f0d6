// What goes wrong, with a code to tell one thing from another.

/** @typedef {"unsupported" | "closed" | "source" | "size" | "options" | "model" | "load" | "worker"} Code */

export class PidinetError extends Error {
  /** @param {Code} code @param {string} message @param {unknown} [cause] */
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PidinetError";
    this.code = code;
  }
}

/** The error that an aborted signal stands for. */
export const aborted = (signal) =>
  signal.reason instanceof Error ? signal.reason : new DOMException("aborted", "AbortError");

/** Errors as workers send them: their class does not survive the way. */
export const packed = (error) => ({
  code: error instanceof PidinetError ? error.code : "worker",
  message: error instanceof Error ? error.message : String(error),
  fatal: error instanceof WebAssembly.RuntimeError || error instanceof RangeError,
});

export const unpacked = ({ code, message }) => new PidinetError(code, message);
