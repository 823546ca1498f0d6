// Two engines in one page with the same weights and the same picture, one after the other, each from nothing.

const now = () => performance.now();
const ROUNDS = 5;
const CALLS = 4;

/** ONNX Runtime Web with one thread: a function that makes bytes of pixels. */
async function runtime(model) {
  const ort = await import("/work/ort/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = "/work/ort/";
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(`/work/ort/${model}`, { executionProviders: ["wasm"] });
  let colours = new Float32Array(0);
  return async ({ data, width, height }) => {
    const area = width * height;
    if (colours.length !== 3 * area) colours = new Float32Array(3 * area);
    for (let at = 0; at < area; at++) {
      colours[at] = data[4 * at];
      colours[area + at] = data[4 * at + 1];
      colours[2 * area + at] = data[4 * at + 2];
    }
    const image = new ort.Tensor("float32", colours, [1, 3, height, width]);
    const { [session.outputNames[0]]: edges } = await session.run({ [session.inputNames[0]]: image });
    return Uint8Array.from(edges.data, (value) => 255 * value);
  };
}

/** This package with one worker. */
async function ours() {
  const { EdgeDetector } = await import("/pidinet/dist/index.js");
  const detector = await EdgeDetector.create({ workers: 1 });
  return async (image) => (await detector.detect(image, { maxSide: Infinity })).data;
}

const longest = { task: 0 };
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest.task = Math.max(longest.task, duration);
}).observe({ type: "longtask" });

async function decoded(url) {
  const bitmap = await createImageBitmap(await (await fetch(url)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** Draws a map in a box of its own, with a place for figures. */
function drawn(title, map, { width, height }) {
  const box = document.querySelector("main").appendChild(document.createElement("section"));
  box.appendChild(document.createElement("h1")).textContent = title;
  const canvas = box.appendChild(document.createElement("canvas"));
  [canvas.width, canvas.height] = [width, height];
  const picture = new ImageData(width, height);
  map.forEach((value, at) => picture.data.set([value, value, value, 255], 4 * at));
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return box.appendChild(document.createElement("dl"));
}

/** Runs both, and shows their maps; `titles` by the names of the engines. */
globalThis.compare = async (titles, model) => {
  const image = await decoded("/demo/example.jpg");
  const engines = { onnxruntime: () => runtime(model), pidinet: ours };
  const found = {};
  for (const [name, start] of Object.entries(engines)) {
    const before = now();
    const run = await start();
    const map = await run(image);
    found[name] = { run, map, first: now() - before, best: Infinity, box: drawn(titles[name], map, image) };
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const engine of Object.values(found)) {
      longest.task = 0;
      for (let call = 0; call < CALLS; call++) {
        const before = now();
        await engine.run(image);
        engine.best = Math.min(engine.best, now() - before);
        await new Promise((done) => setTimeout(done)); // a task of its own for each
      }
      await new Promise((done) => setTimeout(done, 200));
      engine.longest = Math.min(engine.longest ?? Infinity, longest.task);
    }
  }
  const difference = found.pidinet.map.reduce((most, value, at) => Math.max(most, Math.abs(value - found.onnxruntime.map[at])), 0);
  const figures = Object.entries(found).map(([name, { first, best, longest }]) => [name, { first, best, longest }]);
  return { figures: Object.fromEntries(figures), difference, size: [image.width, image.height] };
};

/** Writes figures, `[[what, value], …]`, below the map of each engine, and a sentence below all. */
globalThis.show = (figures, about) => {
  document.querySelectorAll("dl").forEach((list, at) => {
    for (const [what, value] of figures[at]) {
      list.appendChild(document.createElement("dt")).textContent = what;
      list.appendChild(document.createElement("dd")).textContent = value;
    }
  });
  document.getElementById("about").textContent = about;
};
