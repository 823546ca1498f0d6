// Runs a WebAssembly program that expects WASI preview 1: node wasi.mjs PROGRAM [ARGUMENTS].

import { readFile } from "node:fs/promises";
import { argv, env } from "node:process";
import { WASI } from "node:wasi";

const [program, ...rest] = argv.slice(2);
if (program === undefined) {
  throw new Error("usage: node wasi.mjs PROGRAM [ARGUMENTS]");
}
const preopens = { "/": "/", ".": "." };
const wasi = new WASI({ version: "preview1", args: [program, ...rest], env, preopens, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
