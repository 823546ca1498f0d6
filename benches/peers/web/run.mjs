// pidinet and ONNX Runtime Web as WebAssembly in node, one thread each, in turns.
//
//   npm install --prefix benches/peers/web
//   RUSTFLAGS="-C target-feature=+simd128" \
//     cargo build --release -p pidinet --example time_network --target wasm32-wasip1
//   pidinet convert models/tiny.safetensors tiny.onnx --size 481x321
//   node benches/peers/web/run.mjs models/tiny.safetensors tiny.onnx 481x321
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [model, onnx, size, rounds = "3", runs = "10"] = process.argv.slice(2);
if (!size) {
  console.error("usage: run.mjs MODEL.safetensors MODEL.onnx WIDTHxHEIGHT [ROUNDS [RUNS]]");
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const wasm = join(target, "wasm32-wasip1/release/examples/time_network.wasm");
const engines = {
  pidinet: [join(root, "tools/wasi.mjs"), wasm, model, size, runs],
  "ONNX Runtime Web": [join(here, "onnxruntime.mjs"), onnx, size, runs],
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const rows = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, command] of Object.entries(engines)) {
    const output = execFileSync("node", ["--no-warnings", ...command], { encoding: "utf8" });
    rows[name].push(median(output.trim().split("\n").map(Number)));
  }
}
for (const [name, medians] of Object.entries(rows)) {
  console.log(`${name}: median ${median(medians).toFixed(1)} ms, rounds ${medians.map((x) => x.toFixed(1)).join(", ")}`);
}
const [ours, theirs] = Object.values(rows).map(median);
console.log(`ONNX Runtime Web / pidinet: ${(theirs / ours).toFixed(2)}`);
