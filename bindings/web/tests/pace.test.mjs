// What watching a camera does with time: a clock, a camera and workers that are made up.

import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { Watch } = await import(pathToFileURL(join(process.env.PIDINET_WEB, "work/scripts/watch.js")).href);

/**
 * Watches a made-up camera for some seconds with `maxSide: "auto"`. A map takes `cost` milliseconds for a side of 100 by
 * 100 pixels, as many more or less as `jitter` says, and longer where more workers are busy than there are cores. A page
 * that is `starved` is told of no frames while workers have all cores.
 */
async function watched({ seconds = 40, rate = 30, size = [1280, 960], workers = 2, cores = 2, cost, jitter = 0.1, starved = false, pause: [from, to] = [], maxSide = "auto" }) {
  let now = 0;
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const [events, maps] = [[], []];
  const at = (time, call) => events.push({ time, call });
  const later = (ms) => new Promise((done) => at(now + ms, done));
  let waiting;
  let busy = 0;
  const video = {
    videoWidth: size[0],
    videoHeight: size[1],
    requestVideoFrameCallback: (call) => (waiting = call),
    cancelVideoFrameCallback: () => (waiting = undefined),
  };
  const frame = (index) => {
    const paused = now >= 1000 * from && now < 1000 * to;
    if (!paused && (!starved || busy < cores)) {
      const call = waiting;
      waiting = undefined;
      call?.(now, { presentedFrames: index + 1 });
    }
    at((1000 * (index + 1)) / rate, () => frame(index + 1));
  };
  at(0, () => frame(0));
  const old = { now: performance.now, createImageBitmap: globalThis.createImageBitmap };
  performance.now = () => now;
  globalThis.createImageBitmap = async (_, { resizeWidth = size[0], resizeHeight = size[1] }) => {
    await later(4);
    return { width: resizeWidth, height: resizeHeight, close() {} };
  };
  const detect = async ({ width, height }) => {
    busy += 1;
    const alone = 1 + (cost(now / 1000) * width * height) / 1e4;
    const ms = alone * Math.max(1, busy / cores) * (1 + jitter * (2 * random() - 1));
    await later(ms);
    busy -= 1;
    return { width, height, ms };
  };
  const watch = new Watch(video, { detect, hasRoom: () => true, workers }, (map, stats) => maps.push({ ...stats, time: now / 1000, width: map.width }), { maxSide });
  try {
    while (now < 1000 * seconds) {
      events.sort((a, b) => b.time - a.time);
      const next = events.pop();
      now = next.time;
      next.call();
      await new Promise(setImmediate); // whatever follows from it
    }
  } finally {
    watch.stop();
    performance.now = old.now;
    globalThis.createImageBitmap = old.createImageBitmap;
  }
  return maps;
}

/** The fewest maps a second that any map after a time was told of, and the sides they had. */
function summary(maps, after) {
  const late = maps.filter(({ time }) => time > after);
  return {
    least: Math.min(...late.map(({ fps }) => fps)),
    sides: [Math.min(...late.map(({ width }) => width)), Math.max(...late.map(({ width }) => width))],
  };
}

for (const [name, cost] of Object.entries({ "a fast": 1.5, "a common": 6, "a slow": 15, "a very slow": 40 })) {
  for (const workers of [1, 2, 4]) {
    test(`fifteen maps a second are held on ${name} machine with ${workers} workers, by frames not smaller than it takes`, async () => {
      const maps = await watched({ workers, cost: () => cost });
      const { least, sides } = summary(maps, 15);
      assert.ok(least >= 15, `${least} frames a second at ${sides}`);
      // Sides with which just fifteen could be done: each frame takes 4 ms of the page, and 1 of the worker, besides.
      const together = Math.min(workers, 2);
      const area = ((1000 / 15 - 5 / Math.max(1, together)) * together * 1e4) / cost;
      const ideal = Math.min(1280, Math.sqrt((area * 4) / 3));
      assert.ok(sides[0] >= 0.75 * ideal, `${sides}, and ${ideal.toFixed(0)} is possible`);
    });
  }
}

test("fifteen maps a second are held where the page is not told of every frame", async () => {
  const { least } = summary(await watched({ starved: true, cost: () => 6 }), 15);
  assert.ok(least >= 15, `${least} frames a second`);
});

test("a camera that is paused for a while leaves nothing out", async () => {
  const maps = await watched({ seconds: 20, cost: () => 0.1, pause: [5, 15] });
  assert.ok(maps.at(-1).dropped < 20, `${maps.at(-1).dropped}`);
});

test("frames become smaller within seconds when the machine has other work, and larger again when it has not", async () => {
  const cost = (time) => (time > 20 && time < 40 ? 16 : 6);
  const maps = await watched({ seconds: 80, cost });
  const side = (from, to) => summary(maps.filter(({ time }) => time < to), from).sides[0];
  assert.ok(summary(maps.filter(({ time }) => time < 40), 25).least >= 15);
  assert.ok(side(25, 40) < 0.75 * side(15, 20), "smaller");
  assert.ok(side(70, 80) > 0.9 * side(15, 20), "as large as before");
});

test("a size that holds is kept: it changes a few times a minute at most", async () => {
  const maps = await watched({ seconds: 75, cost: () => 6, jitter: 0.25 });
  const late = maps.filter(({ time }) => time > 15);
  const changes = late.filter(({ width }, at) => at > 0 && width !== late[at - 1].width).length;
  assert.ok(changes <= 6, `${changes} changes`);
});

test("a camera that gives ten frames a second does not make them small", async () => {
  const maps = await watched({ rate: 10, cost: () => 6 });
  const { sides } = summary(maps, 15);
  assert.ok(sides[0] >= 384, `${sides}`);
});

test("frames are no larger than the camera's, and what is told is the side of the map", async () => {
  const maps = await watched({ size: [640, 480], cost: (time) => (time < 20 ? 1 : 12) });
  assert.ok(maps.every(({ maxSide, width }) => maxSide === width));
  assert.deepEqual(summary(maps.filter(({ time }) => time < 20), 15).sides, [640, 640]);
  assert.ok(summary(maps, 24).least >= 15, "and become smaller at once when they have to");
});

test("a worker that becomes free looks at the frame that is shown, and does not wait for the next", async () => {
  // 55 ms a map: with a camera of 30 frames a second, 66 if each had to wait.
  const maps = await watched({ seconds: 10, workers: 1, jitter: 0, cost: () => 50 / 0.75, size: [100, 75], maxSide: 100 });
  const { least } = summary(maps, 5);
  assert.ok(least > 17.5, `${least}`);
});
