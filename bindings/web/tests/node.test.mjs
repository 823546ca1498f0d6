// The package in node: the maps are those of other machines, to the last bit.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { expected } from "./bits.mjs";
import { picture } from "./picture.mjs";

const site = process.env.PIDINET_WEB;
const { load, lines, refine, memoryBytes, PidinetError } = await import(
  pathToFileURL(join(site, "pidinet/dist/node.js")).href
);

test("maps equal those of the portable kernels to the last bit", () => {
  const { rgba, width, height } = picture();
  const { data } = load().detectRgba(rgba, width, height, { format: "f32" });
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  assert.equal(bits.length, width * height);
  assert.deepEqual(Array.from(bits), expected(site).slice(0, bits.length));
});

test("bytes are the probabilities by 255, rounded down", () => {
  const { rgba, width, height } = picture();
  const detector = load();
  const floats = detector.detectRgba(rgba, width, height, { format: "f32" }).data;
  const { data } = detector.detectRgba(rgba, width, height);
  assert.deepEqual(Array.from(data), Array.from(floats, (value) => Math.floor(Math.fround(value * 255))));
});

test("the knob finds other edges, and comes back", () => {
  const { rgba, width, height } = picture();
  const detector = load();
  const sum = (detail) => detector.detectRgba(rgba, width, height, { detail }).data.reduce((a, b) => a + b, 0);
  const boundaries = sum(0);
  assert.notEqual(sum(1), boundaries);
  assert.equal(sum(0), boundaries);
});

test("maps are refined and drawn", () => {
  const { rgba, width, height } = picture();
  const map = load().detectRgba(rgba, width, height, { format: "f32" });
  const thin = refine(map, { thin: "pixel", threshold: 0.3, format: "u8" });
  assert.ok(thin.data.every((value) => value === 0 || value === 255));
  assert.ok(thin.data.includes(255));
  assert.match(lines(map), /^<\?xml[\s\S]*<path/);
});

test("the memory stays as it is from image to image", () => {
  const { rgba, width, height } = picture();
  const detector = load();
  const run = () => {
    for (let i = 0; i < 50; i++) detector.detectRgba(rgba, width, height, { thin: "crest", format: i % 2 ? "f32" : "u8" });
    return memoryBytes();
  };
  const before = run();
  assert.equal(run(), before);
});

test("what cannot be done is said with a code", () => {
  const { rgba, width, height } = picture();
  const detector = load();
  const refused = (code, call) =>
    assert.throws(call, (error) => error instanceof PidinetError && error.code === code && error.message.length > 10);
  refused("options", () => detector.detectRgba(rgba, width, height, { threshold: 2 }));
  refused("options", () => detector.detectRgba(rgba, width, height, { style: "hard" }));
  refused("options", () => detector.detectRgba(rgba, width, height, { thin: "fat" }));
  refused("options", () => detector.detectRgba(rgba, width, height, { detail: -1 }));
  refused("source", () => detector.detectRgba(rgba.subarray(4), width, height));
  refused("source", () => detector.detectRgba(rgba, 0, 0));
  refused("options", () => load("tiny-edges").detectRgba(rgba, width, height, { detail: 0.5 }));
});
