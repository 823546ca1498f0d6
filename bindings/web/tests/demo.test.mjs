// The demo page in Chromium: every control, by keyboard too, on a large and a small screen.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { chromium, film, workersBecome } from "./chromium.mjs";
import { serve } from "./tools/serve.mjs";

const site = process.env.PIDINET_WEB;
const { launch, reason } = await chromium();
if (reason) console.log(`skipped in a browser: ${reason}`);
const inBrowser = (name, body) => test(name, { skip: reason, timeout: 240_000 }, body);
const LARGE = { width: 1280, height: 900 };
const SMALL = { width: 390, height: 844 };

let browser, host;

before(async () => {
  if (reason) return;
  host = await serve(join(site, "demo"));
  browser = await launch(film(join(site, "work")));
});

after(async () => {
  await browser?.close();
  host?.close();
});

/** The page once it shows the edges of the example, and what it asked for and complained of. */
async function demo({ viewport = LARGE, colorScheme = "light" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, permissions: ["camera"], acceptDownloads: true });
  const page = await context.newPage();
  const [requests, complaints] = [[], []];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(host.url);
  await shows(page, "Edges: example.jpg");
  await settled(page);
  return { page, requests, complaints, close: () => context.close() };
}

const shows = (page, label) =>
  page.waitForFunction((wanted) => document.getElementById("canvas").ariaLabel.startsWith(wanted), label, { timeout: 60_000 });

const settled = (page) => page.waitForFunction(() => document.getElementById("busy").hidden, undefined, { timeout: 60_000 });

/** A number that changes with the picture that is shown. */
const brightness = (page) =>
  page.evaluate(() => {
    const canvas = document.getElementById("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, at) => (at % 4 === 3 ? sum : sum + value), 0) / (data.length * 0.75);
  });

/** Waits until the picture that is shown is another. */
async function changes(page, act) {
  const before = await brightness(page);
  await act();
  for (let tries = 0; tries < 600; tries++) {
    const now = await brightness(page);
    if (now !== before) return now;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`the picture stayed as it was (${before})`);
}

inBrowser("the page shows edges after half a megabyte, all of it its own", async (t) => {
  const { page, requests, complaints, close } = await demo();
  assert.ok(requests.every((url) => url.startsWith(host.url) || url.startsWith("blob:") || url.startsWith("data:")), requests.join("\n"));
  const files = requests.filter((url) => url.includes("/pidinet/"));
  assert.deepEqual(files, [...new Set(files)], "one request each");
  const bytes = files.map((url) => gzipSync(readFileSync(join(site, "demo", new URL(url).pathname))).length);
  const sum = bytes.reduce((a, b) => a + b, 0);
  t.diagnostic(`${files.map((url) => url.split("/").pop()).join(", ")}: ${sum} bytes gzipped`);
  assert.ok(sum <= 500_000);
  assert.equal(files.filter((url) => url.endsWith(".wasm")).length, 1);
  assert.equal(files.filter((url) => url.endsWith(".safetensors")).length, 1);
  await changes(page, () => page.locator("#detail").fill("1"));
  assert.ok(requests.some((url) => url.endsWith("tiny-edges.safetensors")), "the knob fetches the second model");
  assert.deepEqual(complaints, []);
  await close();
});

inBrowser("every control changes the picture, and all are reached by keyboard", async () => {
  const { page, complaints, close } = await demo();
  const press = async (id, ...keys) => {
    await page.focus(`#${id}`);
    for (const key of keys) await page.keyboard.press(key);
  };
  // Every edge is more lines, though each is thinner: they are compared at a width of one pixel.
  await changes(page, () => page.locator("#threshold").fill("0.5"));
  const lines = await changes(page, () => page.locator("#thin").selectOption("pixel"));
  assert.ok((await changes(page, () => press("detail", "End"))) > lines);
  await settled(page);
  await changes(page, () => page.locator("#thin").selectOption("none"));
  await changes(page, () => page.locator("#threshold").fill("0"));
  await changes(page, () => press("threshold", "ArrowRight", "ArrowRight"));
  await changes(page, () => press("thin", "ArrowDown", "ArrowDown"));
  await changes(page, () => press("threshold", "Home"));
  await changes(page, () => press("thin", "ArrowUp", "ArrowUp"));
  await changes(page, () => press("style", "ArrowDown"));
  assert.ok((await changes(page, () => press("view-edges", "ArrowRight"))) > 128, "dark edges on white");
  await changes(page, () => press("view-inverted", "ArrowRight"));
  await changes(page, () => page.locator("#colour").fill("#00ff00"));
  await changes(page, () => press("view-overlay", "ArrowRight"));
  await press("view-picture", "ArrowRight");
  await changes(page, () => press("side", "ArrowDown"));
  await settled(page);
  assert.equal(await page.evaluate(() => document.getElementById("canvas").width), 256);
  await changes(page, () => press("detail", "Home"));
  await settled(page);
  await changes(page, () => page.locator("#model").selectOption("tiny-edges"));
  assert.ok(await page.locator("#detail").isDisabled(), "tiny-edges has no knob");

  // From the top of the page, Tab comes to everything that can be used.
  await page.evaluate(() => document.activeElement.blur());
  const reached = new Set();
  for (let tab = 0; tab < 40; tab++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id));
  }
  for (const id of ["file", "camera", "example", "threshold", "thin", "style", "view-edges", "colour", "model", "side", "png", "svg"]) {
    assert.ok(reached.has(id), `${id} is not reached: ${[...reached]}`);
  }
  assert.deepEqual(complaints, []);
  await close();
});

inBrowser("pictures are opened, dropped and refused, and saved as PNG and SVG", async () => {
  const { page, close } = await demo();
  const name = "example.jpg";
  const picture = readFileSync(join(site, "demo", name));
  await page.locator("#file").setInputFiles({ name: "mine.jpg", mimeType: "image/jpeg", buffer: picture });
  await shows(page, "Edges: mine.jpg");
  await settled(page);
  await page.evaluate(async (file) => {
    const data = new DataTransfer();
    data.items.add(new File([await (await fetch(file)).blob()], "dropped.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
  }, name);
  await shows(page, "Edges: dropped.jpg");
  await settled(page);
  const saved = async (id) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`#${id}`)]);
    return [download.suggestedFilename(), readFileSync(await download.path())];
  };
  const [png, svg] = [await saved("png"), await saved("svg")];
  assert.equal(png[0], "dropped-edges.png");
  assert.equal(png[1].subarray(1, 4).toString(), "PNG");
  assert.equal(svg[0], "dropped-edges.svg");
  assert.match(svg[1].toString(), /<svg[\s\S]*<path/);
  await page.locator("#file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("no picture in notes.txt"));
  await close();
});

inBrowser("a model from a file is used, one that is none is refused, and the others can be chosen again", async () => {
  const { page, close } = await demo();
  const edges = await brightness(page);
  const models = join(site, "demo/pidinet/models");
  await page.locator("#model").selectOption("pick");
  assert.equal(await page.inputValue("#model"), "tiny", "nothing changes before there is a file");
  await changes(page, () => page.locator("#model-file").setInputFiles(join(models, "tiny-edges.safetensors")));
  await settled(page);
  assert.equal(await page.inputValue("#model"), "own");
  assert.equal(await page.textContent("#own-model"), "tiny-edges.safetensors");
  assert.ok(await page.locator("#detail").isDisabled(), "a model alone has no knob");
  await page.locator("#model-file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no model") });
  await page.waitForFunction(() => document.querySelector("#status.wrong")?.textContent.includes("safetensors"));
  await page.locator("#model").selectOption("tiny");
  await page.waitForFunction(() => !document.querySelector("#status.wrong"));
  await settled(page);
  assert.equal(await brightness(page), edges);
  await close();
});

inBrowser("a model that is chosen while the network is looking is the one whose edges come", async () => {
  const { page, close } = await demo();
  const edges = await changes(page, () => page.locator("#model").selectOption("tiny-edges"));
  await changes(page, () => page.locator("#model").selectOption("tiny"));
  await settled(page);
  await page.evaluate(() => {
    const set = (id, value, event) => {
      document.getElementById(id).value = value;
      document.getElementById(id).dispatchEvent(new Event(event, { bubbles: true }));
    };
    set("detail", 0.3, "input");
    setTimeout(() => set("model", "tiny-edges", "change"), 30);
  });
  for (let tries = 0; tries < 300 && (await brightness(page)) !== edges; tries++) await page.waitForTimeout(100);
  assert.equal(await brightness(page), edges);
  await close();
});

inBrowser("the camera is shown, and stopping it releases it", async (t) => {
  const { page, complaints, close } = await demo();
  await page.evaluate(() => {
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = async function (...wish) {
      globalThis.stream = await getUserMedia.apply(this, wish);
      return globalThis.stream;
    };
  });
  const still = page.workers().length;
  await page.locator("#side").selectOption("256");
  await page.click("#camera");
  await shows(page, "Edges: camera");
  const [first, second] = [await changes(page, () => {}), await changes(page, () => {})];
  assert.notEqual(first, second);
  await page.waitForFunction(() => /[1-9]\d* frames|\d\.[1-9] frames|[1-9]\.\d frames/.test(document.getElementById("figures").textContent));
  t.diagnostic(await page.textContent("#figures"));
  await page.click("#camera");
  await page.waitForFunction(() => globalThis.stream.getTracks().every((track) => track.readyState === "ended"));
  assert.equal(await workersBecome(page, still), still);
  assert.equal(await page.textContent("#camera"), "Use the camera");
  assert.deepEqual(complaints, []);
  await close();
});

for (const [name, viewport] of Object.entries({ large: LARGE, small: SMALL })) {
  for (const colorScheme of ["light", "dark"]) {
    inBrowser(`axe finds nothing on a ${name} ${colorScheme} screen, and nothing is wider than it`, async () => {
      const { page, close } = await demo({ viewport, colorScheme });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${width} pixels wide`);
      const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
      assert.deepEqual(found, []);
      if (process.env.PIDINET_SCREENSHOTS) {
        await page.screenshot({ path: join(process.env.PIDINET_SCREENSHOTS, `demo-${name}-${colorScheme}.png`), fullPage: true });
      }
      await close();
    });
  }
}
