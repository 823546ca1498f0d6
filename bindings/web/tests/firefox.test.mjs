// The package and the demo page in Firefox: that they work there too, and complain of nothing.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { agrees, found } from "./bits.mjs";
import { firefox } from "./firefox.mjs";
import { serve } from "./tools/serve.mjs";

const site = process.env.PIDINET_WEB;
const { launch, reason } = await firefox();
if (reason) console.log(`skipped in Firefox: ${reason}`);
const inFirefox = (name, body) => test(`in Firefox ${name}`, { skip: reason, timeout: 240_000 }, body);
const ARROW_RIGHT = "\ue014";

let browser, host, other;
let withoutWorker = false;

before(async () => {
  if (reason) return;
  const intercept = (_, response, path) => withoutWorker && path.endsWith("worker.js") && response.writeHead(404).end();
  [host, other] = [await serve(site, { intercept, headers: { "cache-control": "no-store" } }), await serve(site)];
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const server of [host, other]) server?.close();
});

/** The demo page once it shows the edges of the example. */
async function demo() {
  const page = await browser.newPage();
  await page.viewport({ width: 1280, height: 900 });
  await page.goto(`${host.url}demo/`);
  await page.until(shows, "Edges: example.jpg");
  return page;
}

const shows = (label) =>
  document.getElementById("canvas").getAttribute("aria-label").startsWith(label) && document.getElementById("busy").hidden;

/** The mean of all colours that are shown. */
function brightness() {
  const canvas = document.getElementById("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, at) => (at % 4 === 3 ? sum : sum + value), 0) / (data.length * 0.75);
}

/** Waits until another picture is shown, and gives its brightness. */
async function changes(page, before) {
  for (let tries = 0; tries < 600; tries++) {
    const now = await page.evaluate(brightness);
    if (now !== before) return now;
    await new Promise((done) => setTimeout(done, 100));
  }
  return assert.fail(`the picture stayed as it was (${before})`);
}

inFirefox("the map equals that of the portable kernels to the last bit, with relaxed SIMD to 1 of 255", async (t) => {
  t.diagnostic(`Firefox ${browser.version}`);
  const page = await browser.newPage();
  await page.goto(`${host.url}work/tests/pages/blank.html`);
  agrees(site, await page.evaluate(found));
  await page.close();
});

inFirefox("the page shows edges, its knob works by keyboard, and nothing is complained of or comes from elsewhere", async () => {
  const page = await demo();
  const edges = await page.evaluate(brightness);
  assert.ok(edges > 2 && edges < 128, `${edges}: some of the picture is edges`);
  if (process.env.PIDINET_SCREENSHOTS) await page.screenshot(join(process.env.PIDINET_SCREENSHOTS, "firefox-large.png"));
  await page.evaluate(() => document.getElementById("detail").focus());
  await page.press(ARROW_RIGHT);
  assert.ok((await changes(page, edges)) > edges, "more detail, more edges");
  const elsewhere = page.requests.filter((url) => !url.startsWith(host.url) && !/^(blob|data):/.test(url));
  assert.deepEqual(elsewhere, []);
  assert.ok(page.requests.some((url) => url.endsWith("tiny-edges.safetensors")), "the knob fetches the second model");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

inFirefox("the camera is shown, and stopping it releases it", async (t) => {
  const page = await demo();
  await page.evaluate(() => {
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = async function (...wish) {
      globalThis.stream = await getUserMedia.apply(this, wish);
      return globalThis.stream;
    };
    document.getElementById("side").value = "256";
    document.getElementById("camera").click();
  });
  await page.until(shows, "Edges: camera");
  const first = await page.evaluate(brightness);
  await changes(page, await changes(page, first));
  t.diagnostic(await page.evaluate(() => document.getElementById("figures").textContent));
  await page.evaluate(() => document.getElementById("camera").click());
  await page.until(() => globalThis.stream.getTracks().every((track) => track.readyState === "ended"));
  assert.equal(await page.evaluate(() => document.getElementById("camera").textContent), "Use the camera");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

/** In a page: what is said of a detector that cannot be had, or of sources that cannot be read. */
async function refusals(elsewhere) {
  const { EdgeDetector } = await import("/pidinet/dist/index.js");
  const refusal = (promise) => promise.then(() => "none", ({ code, message }) => `${code}: ${message}`);
  let detector;
  const create = await refusal(EdgeDetector.create({ workers: 1 }).then((made) => (detector = made)));
  if (!detector) return { create };
  const foreign = new Image();
  foreign.src = `${elsewhere}demo/example.jpg`;
  await foreign.decode();
  const [tainted, huge] = [document.createElement("canvas"), document.createElement("canvas")];
  tainted.getContext("2d").drawImage(foreign, 0, 0);
  [huge.width, huge.height] = [10_000, 10_000];
  const sources = { foreign, tainted, huge, video: document.createElement("video"), blob: new Blob(["no picture"]) };
  const found = {};
  for (const [name, source] of Object.entries(sources)) found[name] = await refusal(detector.detect(source));
  const open = refusal(detector.detect(new ImageData(400, 300)));
  detector.close();
  return { ...found, closed: await open };
}

inFirefox("what cannot be done is said, and nothing hangs", async () => {
  const said = {};
  for (const path of ["blank", "strict", "worker"]) {
    withoutWorker = path === "worker";
    const page = await browser.newPage();
    await page.goto(`${host.url}work/tests/pages/${path === "strict" ? path : "blank"}.html`);
    said[path] = await page.evaluate(refusals, other.url);
    await page.close();
  }
  assert.match(said.blank.foreign, /^source: .*crossOrigin/);
  assert.match(said.blank.tainted, /^source: .*crossOrigin/);
  assert.match(said.blank.huge, /^size: .*100 megapixels, and the limit is 64/);
  assert.match(said.blank.video, /^source: .*0×0/);
  assert.match(said.blank.blob, /^source: .*no image/);
  assert.match(said.blank.closed, /^closed: /);
  assert.match(said.strict.create, /^load: .*wasm-unsafe-eval/);
  assert.match(said.worker.create, /^worker: /);
});
