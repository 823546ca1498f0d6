// The page: a picture or a camera on one side, controls on the other. What finds edges is ./pidinet.

import { EdgeDetector } from "./pidinet/index.js";

const $ = (id) => document.getElementById(id);
const [canvas, video, form] = ["canvas", "video", "controls"].map($);
const context = canvas.getContext("2d");

/** What is looked at: a picture, and the last edges of it. */
const still = { name: "", bitmap: undefined, found: undefined };
/** What is shown: a map, and the picture it is of, no larger than the map. */
const shown = { map: undefined, picture: document.createElement("canvas") };
let detector;
let camera;
/** Milliseconds from opening the page until it showed edges. */
let firstEdges;

const say = (text, wrong = false) => {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
};
const busy = (text) => {
  $("busy").hidden = !text;
  if (text) $("busy-text").textContent = text;
};
const fail = (error) => {
  busy();
  if (error?.code !== "closed" && error?.name !== "AbortError") say(sentence(error.message), true);
};
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/[^.!?]$/, "$&.");

/** What the controls say. */
function wanted() {
  const threshold = Number($("threshold").value);
  return {
    detail: Number($("detail").value),
    side: $("side").value,
    finish: { thin: $("thin").value, style: $("style").value, threshold: threshold > 0 ? threshold : undefined },
    view: form.elements.view.value,
  };
}

/** Runs a job again and again while it is asked for, never twice at once; what comes between is left out. */
function latest(job) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await job().catch(fail);
    }
    running = false;
  };
}

/** The model in use: its name, or a file of whoever uses the page. */
let model = "tiny";

const createDetector = async (workers) =>
  EdgeDetector.create({ model: typeof model === "string" ? model : await model.arrayBuffer(), workers });

async function theDetector() {
  if (!detector) {
    busy("Loading the network…");
    detector = createDetector(1);
    detector.catch(() => (detector = undefined));
  }
  return detector;
}

/** The edges of the picture, by the network. */
const find = latest(async () => {
  const { bitmap } = still;
  if (!bitmap || camera) return;
  const { detail, side, finish } = wanted();
  const its = await theDetector();
  busy("Looking…");
  const maxSide = side === "auto" ? 1024 : Number(side);
  const found = await its.detect(bitmap, { detail, maxSide, format: "f32" });
  const map = await its.refine(found, { ...finish, format: "u8" });
  if (still.bitmap !== bitmap || camera) return;
  still.found = found;
  show(map, bitmap);
  busy();
  const first = [];
  if (firstEdges === undefined) {
    firstEdges = performance.now();
    first.push(`first edges after ${(firstEdges / 1000).toFixed(1)} s`);
  }
  figures(`${found.width} × ${found.height} pixels`, `${found.ms.toFixed(0)} ms`, ...first, its);
  if (!$("status").classList.contains("wrong")) say("");
});

/** The same edges in another style: the network is not asked again. */
const finish = latest(async () => {
  if (!still.found || camera) return;
  const its = await theDetector();
  show(await its.refine(still.found, { ...wanted().finish, format: "u8" }), still.bitmap);
});

function figures(...parts) {
  const its = parts.pop();
  const isa = { relaxed: "relaxed SIMD", simd128: "SIMD" }[its.isa] ?? its.isa;
  const workers = its.workers === 1 ? "one thread" : `${its.workers} threads`;
  $("figures").textContent = [...parts, `${its.model}, ${isa}, ${workers}`].join(" · ");
}

function show(map, picture) {
  shown.map = map;
  const { width, height } = map;
  if (shown.picture.width !== width) shown.picture.width = width;
  if (shown.picture.height !== height) shown.picture.height = height;
  shown.picture.getContext("2d").drawImage(picture, 0, 0, width, height);
  for (const id of ["png", "svg"]) $(id).disabled = false;
  draw();
}

const layer = document.createElement("canvas");

function draw() {
  const { map, picture } = shown;
  if (!map) return;
  const { width, height } = map;
  const { view } = wanted();
  for (const target of [canvas, layer]) {
    if (target.width !== width) target.width = width;
    if (target.height !== height) target.height = height;
  }
  if (view === "edges") context.putImageData(map.toImageData(), 0, 0);
  if (view === "inverted") context.putImageData(map.toImageData({ colour: "#000000", background: "#ffffff" }), 0, 0);
  if (view === "picture" || view === "overlay") context.drawImage(picture, 0, 0);
  if (view === "overlay") {
    layer.getContext("2d").putImageData(map.toImageData({ colour: $("colour").value, alpha: true }), 0, 0);
    context.drawImage(layer, 0, 0);
  }
  const what = { edges: "Edges", inverted: "Dark edges on white", overlay: "Edges over the picture", picture: "Picture" };
  canvas.setAttribute("aria-label", `${what[view]}: ${camera ? "camera" : still.name}`);
}

async function open(blob, name) {
  try {
    stopCamera();
    busy("Opening…");
    const bitmap = await createImageBitmap(blob).catch(() => {
      throw new Error(`this browser finds no picture in ${name}`);
    });
    still.bitmap?.close();
    Object.assign(still, { bitmap, name, found: undefined });
    say(`Opened ${name}`);
    await find();
  } catch (error) {
    fail(error);
  }
}

async function openExample() {
  try {
    const response = await fetch("example.jpg");
    if (!response.ok) throw new Error("the example picture is not there");
    await open(await response.blob(), "example.jpg");
  } catch (error) {
    fail(error);
  }
}

async function startCamera() {
  $("camera").disabled = true;
  busy("Waiting for the camera…");
  try {
    if (!navigator.mediaDevices) throw new Error("a camera can only be used by pages from https: or localhost");
    const wish = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "environment" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false }).catch((error) => {
      const why = { NotAllowedError: "it was not allowed", NotFoundError: "there is none", NotReadableError: "another program has it" };
      throw new Error(`the camera cannot be used: ${why[error.name] ?? error.message}`);
    });
    const mine = { stream, detector: undefined };
    camera = mine;
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    mine.detector = await createDetector(Math.min(4, navigator.hardwareConcurrency || 2));
    if (camera !== mine) return mine.detector.close();
    const { detail, side, finish } = wanted();
    mine.watch = mine.detector.watch(
      video,
      (map, stats) => {
        busy();
        show(map, video);
        const rate = `${stats.fps.toFixed(1)} frames a second`;
        figures(`${map.width} × ${map.height} pixels`, rate, `${stats.ms.toFixed(0)} ms a frame`, mine.detector);
      },
      { detail, maxSide: side === "auto" ? "auto" : Number(side), ...finish },
    );
    mine.watch.done.catch(fail);
    $("camera").textContent = "Stop the camera";
    $("camera").setAttribute("aria-pressed", "true");
    say("The camera is on");
  } catch (error) {
    stopCamera();
    fail(error);
  } finally {
    $("camera").disabled = false;
  }
}

function stopCamera() {
  if (!camera) return;
  camera.watch?.stop();
  camera.detector?.close();
  for (const track of camera.stream.getTracks()) track.stop();
  camera = undefined;
  video.srcObject = null;
  video.hidden = true;
  $("camera").textContent = "Use the camera";
  $("camera").setAttribute("aria-pressed", "false");
  busy();
  say("The camera is off");
}

/** Controls changed: what of it the network has to look at again. */
function changed({ network }) {
  const { detail, side, finish: options } = wanted();
  $("detail-value").textContent = detail.toFixed(2);
  $("threshold-value").textContent = options.threshold === undefined ? "off" : options.threshold.toFixed(2);
  if (camera?.watch) {
    const maxSide = side === "auto" ? "auto" : Number(side);
    camera.watch.change(network === "side" ? { maxSide } : { detail, ...options });
  } else if (network) find();
  else finish();
}

/** Takes a file as model, as a choice beside those of the package. */
function takeModel(file) {
  const choice = $("own-model") ?? Object.assign(document.createElement("option"), { id: "own-model", value: "own" });
  choice.textContent = file.name;
  $("model").insertBefore(choice, $("pick-model"));
  $("model").value = "own";
  changeModel(file);
}

async function changeModel(wanted) {
  model = wanted;
  say("");
  const knob = model === "tiny";
  $("detail").disabled = !knob;
  if (!knob) $("detail").value = 0;
  $("detail-value").textContent = Number($("detail").value).toFixed(2);
  const before = detector;
  detector = undefined;
  (await before?.catch(() => undefined))?.close();
  if (camera) {
    stopCamera();
    await startCamera();
  } else find();
}

function save(blob, extension) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${(camera ? "camera" : still.name.replace(/\.[^.]*$/, "")) || "picture"}-edges.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`Saved ${link.download}`);
}

$("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) open(file, file.name);
});
let ownModel;
$("model-file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) takeModel((ownModel = file));
  target.value = "";
});
$("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));
$("example").addEventListener("click", openExample);
$("detail").addEventListener("input", () => changed({ network: "detail" }));
$("side").addEventListener("change", () => changed({ network: "side" }));
for (const id of ["threshold", "thin", "style"]) $(id).addEventListener("input", () => changed({}));
for (const radio of form.elements.view) radio.addEventListener("change", draw);
$("colour").addEventListener("input", draw);
$("model").addEventListener("change", ({ target }) => {
  if (target.value !== "pick") return changeModel(target.value === "own" ? ownModel : target.value);
  target.value = typeof model === "string" ? model : "own"; // until there is a file
  $("model-file").click();
});
$("png").addEventListener("click", () => canvas.toBlob((blob) => save(blob, "png")));
$("svg").addEventListener("click", async () => {
  try {
    const its = camera?.detector ?? (await theDetector());
    const svg = await its.lines(still.found && !camera ? still.found : shown.map);
    save(new Blob([svg], { type: "image/svg+xml" }), "svg");
  } catch (error) {
    fail(error);
  }
});
form.addEventListener("submit", (event) => event.preventDefault());

let depth = 0;
const files = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => files(event) && document.body.classList.toggle("dragging", ++depth > 0));
addEventListener("dragleave", (event) => files(event) && document.body.classList.toggle("dragging", --depth > 0));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dragging");
  const [file] = event.dataTransfer.files;
  if (file) open(file, file.name);
});
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
  if (file) open(file, file.name);
});
addEventListener("pagehide", stopCamera);

changed({});
theDetector().catch(() => {}); // fetched beside the picture; whoever needs it says what is wrong
openExample();
