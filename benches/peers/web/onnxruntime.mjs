// Times ONNX Runtime Web on one thread: node onnxruntime.mjs MODEL.onnx WIDTHxHEIGHT RUNS
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web/wasm";

const [model, size, runs] = process.argv.slice(2);
const [width, height] = size.split("x").map(Number);
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => ((i * 40503) % 1000) / 250 - 2);
const image = new ort.Tensor("float32", pixels, [1, 3, height, width]);
for (let run = 0; run <= Number(runs); run++) {
  const start = performance.now();
  await session.run({ [session.inputNames[0]]: image });
  if (run > 0) console.log((performance.now() - start).toFixed(3)); // the first run warms up
}
