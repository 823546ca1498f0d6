// Times the package in Chromium, and ONNX Runtime Web beside it with the same weights in the same page, in turns.
//
//   pidinet convert crates/pidinet/models/tiny.safetensors tiny-481x321.onnx --size 481x321   (and other sizes)
//   npm install --prefix FOLDER onnxruntime-web@1.30.0
//   PIDINET_WEB=target/site node target/site/work/tests/timings.mjs FOLDER tiny-481x321.onnx …

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { chromium, film } from "./chromium.mjs";
import { ort } from "./ort.mjs";
import { serve } from "./tools/serve.mjs";

const site = resolve(process.env.PIDINET_WEB);
const [folder, ...models] = process.argv.slice(2);
const { to: runtime } = ort(site, folder, models);
const kilobytes = (path) => (gzipSync(readFileSync(path), { level: 9 }).length / 1000).toFixed(0);
for (const name of readdirSync(runtime)) console.log(`${name}: ${kilobytes(join(runtime, name))} kB gzipped`);

const { launch, reason } = await chromium();
assert.ok(launch, reason);
const host = await serve(site, { headers: { "cache-control": "no-store" } });
const browser = await launch(film(join(site, "work")));
console.log(`Chromium ${browser.version()}`);
const fresh = async () => {
  const page = await (await browser.newContext({ permissions: ["camera"] })).newPage();
  await page.goto(`${host.url}work/tests/pages/blank.html`);
  return page;
};

/** The best of some, in milliseconds, after one that is not counted; and the time from nothing to the first map. */
async function engine(which, width, height, model) {
  const page = await fresh();
  const result = await page.evaluate(async ({ which, width, height, model }) => {
    const { picture } = await import("/work/tests/picture.mjs");
    const start = performance.now();
    let run;
    if (which === "onnxruntime") {
      const ort = await import("/work/ort/ort.wasm.min.mjs");
      ort.env.wasm.wasmPaths = "/work/ort/";
      ort.env.wasm.numThreads = 1;
      const session = await ort.InferenceSession.create(`/work/ort/${model}`, { executionProviders: ["wasm"] });
      const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => ((i * 40503) % 1000) / 250 - 2);
      const image = new ort.Tensor("float32", pixels, [1, 3, height, width]);
      run = async () => {
        const before = performance.now();
        await session.run({ [session.inputNames[0]]: image });
        return performance.now() - before;
      };
    } else {
      const { EdgeDetector } = await import("/pidinet/dist/index.js");
      const detector = await EdgeDetector.create({ workers: 1, isa: which });
      const { rgba } = picture(width, height);
      const image = new ImageData(rgba, width, height);
      run = async () => (await detector.detect(image, { maxSide: Infinity })).ms;
    }
    await run();
    const first = performance.now() - start;
    const times = [];
    for (let i = 0; i < 7; i++) times.push(await run());
    return { first, best: Math.min(...times) };
  }, { which, width, height, model });
  await page.context().close();
  return result;
}

for (const model of models) {
  const [width, height] = /(\d+)x(\d+)/.exec(model).slice(1).map(Number);
  const rows = {};
  for (let round = 0; round < 3; round++) {
    for (const which of ["simd128", "relaxed", "onnxruntime"]) {
      const { first, best } = await engine(which, width, height, basename(model));
      const row = (rows[which] ??= { first, best });
      row.first = Math.min(row.first, first);
      row.best = Math.min(row.best, best);
    }
  }
  for (const [which, { first, best }] of Object.entries(rows)) {
    const ratio = (rows.onnxruntime.best / best).toFixed(2);
    console.log(`${width}x${height} ${which}: ${best.toFixed(1)} ms, ratio ${ratio}; from nothing to the first map ${first.toFixed(0)} ms`);
  }
}

for (const workers of [1, 2]) {
  for (const maxSide of [256, 384, 512, "auto"]) {
    const page = await fresh();
    const stats = await page.evaluate(async ({ workers, maxSide }) => {
      const { EdgeDetector } = await import("/pidinet/dist/index.js");
      const video = document.createElement("video");
      video.muted = true;
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      await video.play();
      let longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      }).observe({ type: "longtask" });
      const detector = await EdgeDetector.create({ workers });
      let last;
      const watch = detector.watch(video, (map, now) => (last = { ...now, width: map.width, height: map.height }), { maxSide });
      await new Promise((done) => setTimeout(done, maxSide === "auto" ? 10_000 : 5000));
      watch.stop();
      detector.close();
      return { ...last, longest };
    }, { workers, maxSide });
    const { fps, ms, width, height, longest } = stats;
    console.log(`camera, ${workers} workers, ${maxSide}: ${width}x${height}, ${fps.toFixed(1)} frames a second, ${ms.toFixed(0)} ms, longest task ${longest.toFixed(0)} ms`);
    await page.context().close();
  }
}
await browser.close();
host.close();
