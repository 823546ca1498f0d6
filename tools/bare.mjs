// Prints what a WebAssembly module computes that has nothing of a system: node bare.mjs MODULE FUNCTION. The bits of
// FUNCTION(0), FUNCTION(1), … FUNCTION(length() - 1), each in a line. `cargo xtask bare` uses it.

import { readFile } from "node:fs/promises";
import { argv, stdout } from "node:process";

const [path, name] = argv.slice(2);
if (name === undefined) {
  throw new Error("usage: node bare.mjs MODULE FUNCTION");
}
const module = await WebAssembly.compile(await readFile(path));
// Some library names functions of a browser, which this one does not have: they may be named and not called.
const imports = {};
for (const { module: from, name: wanted } of WebAssembly.Module.imports(module)) {
  imports[from] ??= {};
  imports[from][wanted] = () => {
    throw new Error(`the module called ${wanted}`);
  };
}
const { exports } = await WebAssembly.instantiate(module, imports);
const bits = new DataView(new ArrayBuffer(4));
let text = "";
for (let at = 0; at < exports.length(); at += 1) {
  bits.setFloat32(0, exports[name](at));
  text += `${bits.getUint32(0).toString(16).padStart(8, "0")}\n`;
}
stdout.write(text);
