// ONNX Runtime Web, as npm installs it, put where pages of the tests can fetch it.

import { copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

/** Copies what a page needs of it, and models, to `work/ort`; gives that folder and the version. */
export function ort(site, folder, models) {
  const to = join(site, "work/ort");
  mkdirSync(to, { recursive: true });
  const dist = join(folder, "node_modules/onnxruntime-web/dist");
  for (const name of readdirSync(dist).filter((name) => /^ort\.wasm\.min\.mjs$|^ort-wasm-simd-threaded\.(wasm|mjs)$/.test(name))) {
    copyFileSync(join(dist, name), join(to, name));
  }
  for (const model of models) copyFileSync(model, join(to, basename(model)));
  const { version } = JSON.parse(readFileSync(join(dist, "../package.json"), "utf8"));
  return { to, version };
}
