// Chromium for tests, if there is one, with a camera that shows a film made here.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PATHS = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser, or why there is none: `{ launch }` or `{ reason }`. */
export async function chromium() {
  let playwright;
  try {
    playwright = await import("playwright-core");
  } catch {
    return { reason: "playwright-core is not there (npm could not be asked)" };
  }
  const executablePath = PATHS.find((path) => path && existsSync(path));
  if (!executablePath) return { reason: "Chromium is not there: install it, or name it in CHROMIUM" };
  const launch = (film) =>
    playwright.chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        ...(film ? [`--use-file-for-fake-video-capture=${film}`] : []),
      ],
    });
  return { launch };
}

/** Writes a film for the camera, uncompressed: a bright disc that goes across, on a ground that becomes lighter. */
export function film(folder, { width = 640, height = 480, frames = 30 } = {}) {
  const path = join(folder, "camera.y4m");
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < frames; frame++) {
    const luma = Buffer.alloc(width * height);
    const [cx, cy] = [((frame + 0.5) / frames) * width, height / 2];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = (x - cx) ** 2 + (y - cy) ** 2 < (height / 5) ** 2;
        luma[y * width + x] = inside ? 230 : 30 + 3 * frame + ((x >> 6) & 1) * 20;
      }
    }
    parts.push(Buffer.from("FRAME\n"), luma, Buffer.alloc((width * height) / 2, 128));
  }
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** Waits until a page has so many workers: the browser says a little later that one is gone. */
export async function workersBecome(page, wanted) {
  for (let tries = 0; tries < 100 && page.workers().length !== wanted; tries++) {
    await new Promise((done) => setTimeout(done, 100));
  }
  return page.workers().length;
}

/**
 * The longest task of the main thread of a page with workers while something is done, in milliseconds that it computed:
 * those in which the machine did something else are not counted.
 */
export async function longestTask(browser, page, act) {
  await browser.startTracing(page, { categories: ["toplevel"] });
  const result = await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const threads = traceEvents.filter(({ name }) => name === "thread_name");
  const named = (pattern) => threads.filter(({ args }) => pattern.test(args.name));
  const pages = new Set(named(/^DedicatedWorker/).map(({ pid }) => pid));
  const mains = new Set(named(/^CrRendererMain/).filter(({ pid }) => pages.has(pid)).map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ ph, name, pid, tid, tdur }) => ph === "X" && /RunTask/.test(name) && mains.has(`${pid} ${tid}`) && tdur);
  return { result, tasks: tasks.length, longest: Math.max(...tasks.map(({ tdur }) => tdur)) / 1000 };
}
