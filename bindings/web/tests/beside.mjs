// A picture of ONNX Runtime Web and this package in one page, with the same weights, and what each takes.
//
//   pidinet convert crates/pidinet/models/tiny.safetensors tiny-640x480.onnx --size 640x480 --input rgb
//   npm install --prefix FOLDER onnxruntime-web@1.30.0
//   PIDINET_WEB=target/site node target/site/work/tests/beside.mjs FOLDER tiny-640x480.onnx beside.jpg

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { chromium } from "./chromium.mjs";
import { ort } from "./ort.mjs";
import { serve } from "./tools/serve.mjs";

const site = resolve(process.env.PIDINET_WEB);
const [folder, model, picture] = process.argv.slice(2);
const { version } = ort(site, folder, [model]);
const { launch, reason } = await chromium();
assert.ok(launch, reason);
const host = await serve(site, { headers: { "cache-control": "no-store" } });
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1248, height: 700 } });
const asked = new Set();
// Workers ask for their script themselves: the context hears of it.
page.context().on("request", (request) => asked.add(new URL(request.url()).pathname));
await page.goto(`${host.url}work/tests/pages/beside.html`);
await page.waitForFunction(() => globalThis.compare);
const titles = { onnxruntime: `ONNX Runtime Web ${version}`, pidinet: "pidinet" };
const { figures, difference, size } = await page.evaluate(([titles, model]) => compare(titles, model), [titles, basename(model)]);

const kilobytes = (start) => {
  const files = [...asked].filter((path) => path.startsWith(start));
  const bytes = files.map((path) => gzipSync(readFileSync(join(site, path)), { level: 9 }).length);
  console.log(files.map((path, at) => `${path}: ${bytes[at]}`).join("\n"));
  return bytes.reduce((sum, number) => sum + number, 0) / 1000;
};
const downloads = { onnxruntime: kilobytes("/work/ort/"), pidinet: kilobytes("/pidinet/") };
const rows = Object.keys(titles).map((name) => {
  const { first, best, longest } = figures[name];
  return [
    ["download until there are edges, gzipped", `${downloads[name].toFixed(0)} kB`],
    ["from nothing to the first edges, local server", `${first.toFixed(0)} ms`],
    ["each picture after that, one thread", `${best.toFixed(0)} ms`],
    ["the page stands still meanwhile for", longest < 50 ? "less than 50 ms" : `${longest.toFixed(0)} ms`],
  ];
});
const about =
  `The model tiny, ${size.join(" × ")} pixels, Chromium ${browser.version()}; the shortest time of 20. ` +
  `The maps differ by ${difference} of 255 at most.`;
console.log(rows, about);
await page.evaluate(([rows, about]) => show(rows, about), [rows, about]);
await page.screenshot({ path: picture, fullPage: true, ...(picture.endsWith(".jpg") ? { type: "jpeg", quality: 82 } : {}) });
await browser.close();
host.close();
