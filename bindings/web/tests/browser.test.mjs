// The package in Chromium: what it finds, what it says when it cannot, and that it leaves nothing behind.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { agrees, found } from "./bits.mjs";
import { chromium, film, longestTask, workersBecome } from "./chromium.mjs";
import { serve } from "./tools/serve.mjs";

const site = process.env.PIDINET_WEB;
const { launch, reason } = await chromium();
if (reason) console.log(`skipped in a browser: ${reason}`);
const inBrowser = (name, body) => test(name, { skip: reason, timeout: 240_000 }, body);

let browser, host, other;

before(async () => {
  if (reason) return;
  const options = { headers: { "cache-control": "no-store" } };
  [host, other] = [await serve(site, options), await serve(site, options)];
  browser = await launch(film(join(site, "work")));
});

after(async () => {
  await browser?.close();
  for (const server of [host, other]) server?.close();
});

/** A page with the package, and what tests need: the picture, and a check for what is refused. */
async function blank({ prepare, path = "work/tests/pages/blank.html" } = {}) {
  const context = await browser.newContext({ permissions: ["camera"] });
  const page = await context.newPage();
  await prepare?.(page);
  await page.goto(host.url + path);
  await page.evaluate(async () => {
    const { picture } = await import("/work/tests/picture.mjs");
    globalThis.pidinet = await import("/pidinet/dist/index.js");
    globalThis.image = (width, height) => {
      const { rgba, ...size } = picture(width, height);
      return new ImageData(rgba, size.width, size.height);
    };
    globalThis.refusal = async (promise) => {
      const late = new Promise((_, reject) => setTimeout(() => reject(new Error("nothing came")), 60_000));
      try {
        await Promise.race([promise, late]);
        return { code: "none" };
      } catch ({ name, code, message }) {
        return { name, code, message };
      }
    };
  });
  return { page, close: () => context.close() };
}

inBrowser("the map equals that of the portable kernels to the last bit, with relaxed SIMD to 1 of 255", async () => {
  const { page, close } = await blank();
  const maps = await page.evaluate(found);
  assert.ok(maps.relaxed, "Chromium has relaxed SIMD");
  agrees(site, maps);
  await close();
});

inBrowser("every kind of source gives the edges of its pixels", async () => {
  const { page, close } = await blank();
  const sums = await page.evaluate(async () => {
    const detector = await pidinet.EdgeDetector.create({ workers: 2, isa: "simd128" });
    const data = image();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [data.width, data.height];
    canvas.getContext("2d").putImageData(data, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done));
    const element = new Image();
    element.src = URL.createObjectURL(blob);
    await element.decode();
    const offscreen = new OffscreenCanvas(data.width, data.height);
    offscreen.getContext("2d").putImageData(data, 0, 0);
    const sources = { data, canvas, blob, element, offscreen, bitmap: await createImageBitmap(canvas), frame: new VideoFrame(canvas, { timestamp: 0 }) };
    const names = Object.keys(sources);
    const maps = await Promise.all(names.map((name) => detector.detect(sources[name])));
    sources.frame.close();
    const usable = sources.bitmap.width; // a bitmap stays the caller's
    detector.close();
    return { usable, sums: Object.fromEntries(maps.map((map, at) => [names[at], map.data.reduce((a, b) => a + b, 0)])) };
  });
  assert.equal(sums.usable, 75);
  for (const [name, sum] of Object.entries(sums.sums)) {
    // A frame of a video has gone through another colour space.
    const slack = name === "frame" ? 0.05 * sums.sums.data : 0;
    assert.ok(Math.abs(sum - sums.sums.data) <= slack, `${name}: ${sum} instead of ${sums.sums.data}`);
  }
  await close();
});

inBrowser("maps are refined, drawn and made pictures of; sizes and the knob are as asked for", async () => {
  const { page, close } = await blank();
  const found = await page.evaluate(async () => {
    const detector = await pidinet.EdgeDetector.create({ workers: 1 });
    const map = await detector.detect(image(300, 200), { format: "f32", maxSide: 150 });
    const thin = await detector.refine(map, { thin: "pixel", threshold: 0.3, format: "u8" });
    const svg = await detector.lines(map);
    const every = await detector.detect(image(300, 200), { detail: 1, maxSide: 150 });
    const sum = ({ data }) => data.reduce((a, b) => a + b, 0);
    const picture = thin.toImageData({ colour: "#ff0000", alpha: true });
    const png = await thin.toBlob();
    const bitmap = await createImageBitmap(png);
    const edge = thin.data.indexOf(255);
    const result = {
      size: [map.width, map.height, map.sourceWidth, map.sourceHeight],
      binary: thin.data.every((value) => value === 0 || value === 255),
      svg: svg.slice(0, 5),
      other: Math.abs(sum(every) - 255 * sum(map)) > 0.01 * sum(every),
      pixel: Array.from(picture.data.slice(4 * edge, 4 * edge + 4)),
      png: [png.type, bitmap.width, bitmap.height],
    };
    detector.close();
    return result;
  });
  assert.deepEqual(found.size, [150, 100, 300, 200]);
  assert.ok(found.binary && found.other);
  assert.equal(found.svg, "<?xml");
  assert.deepEqual(found.pixel, [255, 0, 0, 255]);
  assert.deepEqual(found.png, ["image/png", 150, 100]);
  await close();
});

inBrowser("what cannot be done is said, and nothing hangs", async () => {
  const { page, close } = await blank();
  const refused = await page.evaluate(async (elsewhere) => {
    const detector = await pidinet.EdgeDetector.create({ workers: 1, maxPixels: 64e6 });
    const foreign = new Image();
    foreign.src = `${elsewhere}demo/example.jpg`;
    await foreign.decode();
    const tainted = document.createElement("canvas");
    [tainted.width, tainted.height] = [64, 64];
    tainted.getContext("2d").drawImage(foreign, 0, 0);
    const huge = document.createElement("canvas");
    [huge.width, huge.height] = [10_000, 10_000];
    const spent = image();
    structuredClone(spent.data.buffer, { transfer: [spent.data.buffer] });
    const results = {
      spent: await refusal(detector.detect(spent)),
      foreign: await refusal(detector.detect(foreign)),
      tainted: await refusal(detector.detect(tainted)),
      noVideo: await refusal(detector.detect(document.createElement("video"))),
      huge: await refusal(detector.detect(huge)),
      noPicture: await refusal(detector.detect(new Blob(["no picture"], { type: "image/png" }))),
      nothing: await refusal(detector.detect(undefined)),
      number: await refusal(detector.detect(image(), { detail: 2 })),
      format: await refusal(detector.detect(image(), { format: "f16" })),
      model: await refusal(pidinet.EdgeDetector.create({ model: new Uint8Array(100), workers: 1 })),
      name: await refusal(pidinet.EdgeDetector.create({ model: "huge" })),
      missing: await refusal(pidinet.EdgeDetector.create({ model: "/nowhere.safetensors" })),
      device: await refusal(pidinet.EdgeDetector.create({ device: "webgpu" })),
      aborted: await refusal(pidinet.EdgeDetector.create({ signal: AbortSignal.abort() })),
    };
    // After all of this it still works.
    const { data } = await detector.detect(image());
    results.after = { code: data.includes(255) || data.some((value) => value > 100) ? "works" : "dark" };
    const open = [1, 2, 3].map(() => refusal(detector.detect(image(400, 300))));
    detector.close();
    results.closed = (await Promise.all(open))[0];
    results.later = await refusal(detector.detect(image()));
    return results;
  }, other.url);
  const codes = Object.fromEntries(Object.entries(refused).map(([name, { code, name: kind }]) => [name, kind === "AbortError" ? kind : code]));
  assert.deepEqual(codes, {
    spent: "source", foreign: "source", tainted: "source", noVideo: "source", huge: "size", noPicture: "source", nothing: "source",
    number: "options", format: "options", model: "model", name: "options", missing: "load", device: "unsupported",
    aborted: "AbortError", after: "works", closed: "closed", later: "closed",
  }, JSON.stringify(refused, null, 1));
  assert.match(refused.tainted.message, /crossOrigin/);
  assert.match(refused.huge.message, /100 megapixels, and the limit is 64/);
  await close();
});

inBrowser("an aborted call ends at once, and the next one is answered", async () => {
  const { page, close } = await blank();
  const found = await page.evaluate(async () => {
    const detector = await pidinet.EdgeDetector.create({ workers: 1 });
    const control = new AbortController();
    const calls = [1, 2].map(() => refusal(detector.detect(image(600, 400), { signal: control.signal })));
    await new Promise((done) => setTimeout(done, 20));
    control.abort();
    const names = (await Promise.all(calls)).map(({ name }) => name);
    const { width } = await detector.detect(image());
    detector.close();
    return [...names, width];
  });
  assert.deepEqual(found, ["AbortError", "AbortError", 75]);
  await close();
});

inBrowser("without WebAssembly SIMD it is said what is missing", async () => {
  const prepare = (page) => page.addInitScript(() => (WebAssembly.validate = () => false));
  const { page, close } = await blank({ prepare });
  const { code, message } = await page.evaluate(() => refusal(pidinet.EdgeDetector.create()));
  assert.equal(code, "unsupported");
  assert.match(message, /SIMD is missing.*Safari 16\.4/);
  await close();
});

inBrowser("a worker that cannot be loaded is an error", async () => {
  const prepare = (page) => page.route("**/worker.js", (route) => route.fulfill({ status: 404, body: "" }));
  const { page, close } = await blank({ prepare });
  const { code } = await page.evaluate(() => refusal(pidinet.EdgeDetector.create({ workers: 2 })));
  assert.equal(code, "worker");
  assert.equal(await workersBecome(page, 0), 0);
  await close();
});

inBrowser("a page with a strict policy is told what it has to allow", async () => {
  const { page, close } = await blank({ path: "work/tests/pages/strict.html" });
  const { code, message } = await page.evaluate(() => refusal(pidinet.EdgeDetector.create()));
  assert.equal(code, "load");
  assert.match(message, /wasm-unsafe-eval/);
  await close();
});

inBrowser("a camera is watched, and stopping leaves nothing running", async (t) => {
  const { page, close } = await blank();
  const { result: found, tasks, longest } = await longestTask(browser, page, () => page.evaluate(watched));
  t.diagnostic(`${found.last.fps.toFixed(1)} frames a second; the longest of ${tasks} tasks of the page took ${longest.toFixed(1)} ms`);
  assert.ok(found.means.length >= 30 && found.after === 0 && found.stopped);
  assert.equal(found.last.width, 96);
  assert.ok(found.last.fps > 0 && found.last.ms > 0);
  assert.ok(new Set(found.means.map((mean) => mean.toFixed(3))).size > 3, "the map follows the film");
  assert.equal(found.running, "live");
  assert.ok(tasks > 30 && longest < 50, `${longest} ms of ${tasks} tasks`);
  assert.equal(await workersBecome(page, 0), 0);
  await close();
});

/** In a page: watches the camera for some frames, after a large picture. */
async function watched() {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  await video.play();
  const detector = await pidinet.EdgeDetector.create({ workers: 2 });
  await detector.detect(new ImageData(2000, 1500), { maxSide: 256 });
  const means = [];
  let last;
  let watch;
  await new Promise((done, failed) => {
    watch = detector.watch(video, (map, stats) => {
      means.push(map.data.reduce((a, b) => a + b, 0) / map.data.length);
      last = { ...stats, width: map.width };
      if (means.length === 12) watch.change({ maxSide: 96 });
      if (means.length >= 30) done();
    }, { maxSide: 160 });
    watch.done.catch(failed);
  });
  watch.stop();
  await watch.done;
  const count = means.length;
  await new Promise((done) => setTimeout(done, 300));
  const after = means.length - count;
  const running = video.srcObject.getTracks()[0].readyState; // the camera is the caller's
  detector.close();
  return { means, last, after, running, stopped: watch.stopped };
}

inBrowser("memory stays as it is over a thousand frames", async () => {
  const { page, close } = await blank();
  const [first, last] = await page.evaluate(async () => {
    const detector = await pidinet.EdgeDetector.create({ workers: 1 });
    const frames = async (count) => {
      for (let at = 0; at < count; at++) {
        const bitmap = await createImageBitmap(image(64, 48));
        await detector.detect(bitmap, at % 3 ? {} : { thin: "crest", threshold: 0.2 });
        bitmap.close();
      }
      return detector.memory();
    };
    const results = [await frames(50), await frames(950)];
    detector.close();
    return results;
  });
  assert.equal(last, first);
  await close();
});
