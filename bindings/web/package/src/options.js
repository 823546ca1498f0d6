// Options as they are meant: with defaults, checked, in one form.

import { PidinetError } from "./errors.js";

const THIN = new Map([[undefined, "none"], [false, "none"], [true, "pixel"]]);

const wrong = (name, value, wanted) =>
  new PidinetError("options", `${name} is ${String(value)}: expected ${wanted}`);

export function fraction(name, value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw wrong(name, value, "a number from 0 to 1");
  }
  return value;
}

/** What is done to a map after the network. */
export function finish({ thin, threshold, low, style = "soft", invert = false } = {}) {
  const kind = THIN.get(thin) ?? thin;
  if (!["none", "crest", "pixel"].includes(kind)) throw wrong("thin", thin, '"none", "crest" or "pixel"');
  if (!["soft", "safe", "scribble"].includes(style)) throw wrong("style", style, '"soft", "safe" or "scribble"');
  return {
    thin: kind,
    threshold: fraction("threshold", threshold),
    low: fraction("low", low),
    style,
    invert: Boolean(invert),
  };
}

/** The longest side that is looked at: a number of pixels, or Infinity. */
export function longestSide(maxSide, fallback) {
  if (maxSide === undefined || maxSide === null) return fallback;
  if (typeof maxSide !== "number" || !(maxSide >= 1)) throw wrong("maxSide", maxSide, "a number of pixels, at least 1");
  return maxSide === Infinity ? Infinity : Math.floor(maxSide);
}

/** How lines are drawn. */
export function drawing({ low = 0.15, high = 0.35, tolerance = 0.5, stroke = 1 } = {}) {
  const strength = stroke === "strength";
  const width = strength ? -2 : stroke;
  for (const [name, value] of [["tolerance", tolerance], ["stroke", Math.abs(width)]]) {
    if (!(Number.isFinite(value) && value > 0)) throw wrong(name, value, "a number of pixels");
  }
  return { low: fraction("low", low), high: fraction("high", high), tolerance, stroke: width };
}

/** A whole number from 1 to 64, such as a number of workers. */
export function count(name, value) {
  if (!Number.isInteger(value) || value < 1 || value > 64) throw wrong(name, value, "a whole number from 1 to 64");
  return value;
}

/** A size `[width, height]` whose longer side is at most `maxSide`, as the library rounds it. */
export function fitted(width, height, maxSide) {
  const longer = Math.max(width, height);
  if (longer <= maxSide) return [width, height];
  const side = (length) => Math.max(1, Math.round((length * maxSide) / longer));
  return [side(width), side(height)];
}
