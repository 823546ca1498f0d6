// What the kernels of this machine found in the picture of the tests, and what a page finds, bit for bit.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The bits of the map's floats, as the portable kernels of this machine have it. */
export const expected = (site) =>
  readFileSync(join(site, "work/expected.txt"), "utf8").trim().split("\n").map((line) => Number.parseInt(line, 16));

/** In a page: the bits of the map with either of the modules, by its name. */
export async function found() {
  const { picture } = await import("/work/tests/picture.mjs");
  const { EdgeDetector } = await import("/pidinet/dist/index.js");
  const { rgba, width, height } = picture();
  const maps = {};
  for (const isa of ["simd128", undefined]) {
    const detector = await EdgeDetector.create({ workers: 1, isa });
    const { data } = await detector.detect(new ImageData(rgba, width, height), { format: "f32" });
    maps[detector.isa] = Array.from(new Uint32Array(data.buffer));
    detector.close();
  }
  return maps;
}

/** Equal with simd128, less than 1 of 255 away with relaxed SIMD where the browser has it. */
export function agrees(site, { simd128, relaxed }) {
  const wanted = expected(site).slice(0, simd128.length);
  assert.equal(simd128.length, 75 * 53);
  assert.deepEqual(simd128, wanted);
  if (!relaxed) return;
  const floats = (bits) => new Float32Array(Uint32Array.from(bits).buffer);
  const [other, exact] = [floats(relaxed), floats(wanted)];
  const most = other.reduce((most, value, at) => Math.max(most, Math.abs(value - exact[at])), 0);
  assert.ok(most < 1 / 255, `off by ${most}`);
}
