// Tries the package as a user would have it: `npm pack`, installed, and built by Vite and webpack, types checked, and
// looked over by publint and arethetypeswrong. Not part of `cargo xtask web --check`, as it takes 300 MB from npm:
//
//   PIDINET_WEB=target/site node target/site/work/tests/bundlers.mjs FOLDER

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { chromium } from "./chromium.mjs";
import { serve } from "./tools/serve.mjs";

const site = resolve(process.env.PIDINET_WEB);
const folder = resolve(process.argv[2]);
mkdirSync(join(folder, "src"), { recursive: true });

const run = (name, ...command) => {
  const path = command[0].startsWith("npm") || command[0] === "node" ? command[0] : join(folder, "node_modules/.bin", command[0]);
  const output = execFileSync(path, command.slice(1), { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  console.log(`✔ ${name}`);
  return output;
};

const PROGRAM = `
import { EdgeDetector, type EdgeMap } from "pidinet";
const image = new ImageData(64, 48);
for (let at = 0; at < image.data.length; at += 4) {
  const dark = (at / 4) % 64 < 32;
  image.data.set([dark ? 20 : 220, dark ? 20 : 220, 100, 255], at);
}
const detector = await EdgeDetector.create({ workers: 2 });
const map: EdgeMap = await detector.detect(image, { detail: 0.5 });
document.title = \`\${detector.isa} \${map.data[24 * 64 + 32]} \${map.data[24 * 64 + 8]}\`;
detector.close();
`;
const HTML = (script) => `<!doctype html><meta charset="utf-8"><title>waiting</title><script type="module" src="${script}"></script>\n`;

writeFileSync(join(folder, "package.json"), JSON.stringify({
  private: true, type: "module",
  dependencies: { "@arethetypeswrong/cli": "0.18.5", publint: "0.3.25", typescript: "5.9.3", vite: "8.4.0", webpack: "5.113.0", "webpack-cli": "7.3.1" },
}));
const tarball = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", folder, join(site, "pidinet")], { encoding: "utf8" }))[0].filename;
run("npm installs the package", "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts", join(folder, tarball));
writeFileSync(join(folder, "src/main.ts"), PROGRAM);
writeFileSync(join(folder, "src/sync.ts"), 'import { load } from "pidinet/node";\nconst map = load().detectRgba(new Uint8Array(4 * 8 * 8), 8, 8, { format: "f32" });\nexport const first: number = map.data[0]!;\n');
writeFileSync(join(folder, "index.html"), HTML("/src/main.ts"));
writeFileSync(join(folder, "vite.config.js"), 'export default { build: { target: "es2022" }, server: { port: 5199, strictPort: true } };\n');
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({
  compilerOptions: { module: "esnext", moduleResolution: "bundler", target: "es2022", lib: ["es2022", "dom"], strict: true, noEmit: true, skipLibCheck: false, types: [] },
  include: ["src"],
}));
writeFileSync(join(folder, "webpack.config.js"), `
export default { mode: "production", entry: "./src/main.js", output: { path: ${JSON.stringify(join(folder, "webpack"))}, publicPath: "auto", clean: true } };
`);
writeFileSync(join(folder, "src/main.js"), PROGRAM.replace(", type EdgeMap", "").replace(": EdgeMap", ""));

run("publint", "publint", "run", "--strict", join(site, "pidinet"));
run("arethetypeswrong", "attw", join(folder, tarball), "--profile", "esm-only");
run("TypeScript", "tsc", "--project", folder);
writeFileSync(join(folder, "node.mjs"), 'import { load } from "pidinet/node"; const { data } = load().detectRgba(new Uint8Array(4 * 64).fill(200), 8, 8); console.log(data.length);\n');
assert.equal(run("node", "node", join(folder, "node.mjs")).trim(), "64");
run("vite build", "vite", "build", "--logLevel", "warn", "--base", "./");
run("webpack", "webpack", "--no-color");
writeFileSync(join(folder, "webpack/index.html"), HTML("main.js"));
mkdirSync(join(folder, "plain"), { recursive: true });
writeFileSync(join(folder, "plain/index.html"), HTML("main.js"));
copyFileSync(join(folder, "src/main.js"), join(folder, "plain/main.js"));
writeFileSync(join(folder, "plain/main.js"), PROGRAM.replace(", type EdgeMap", "").replace(": EdgeMap", "").replace('"pidinet"', '"../node_modules/pidinet/dist/index.js"'));

const { launch, reason } = await chromium();
assert.ok(launch, reason);
const browser = await launch();
/** Waits for what the program says on a page: an edge in the middle, and none beside it. */
async function works(name, url) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(url);
  await page.waitForFunction(() => document.title !== "waiting", undefined, { timeout: 60_000 }).catch(() => {
    throw new Error(`${name}: nothing came: ${complaints.join("; ")}`);
  });
  const [isa, on, off] = (await page.title()).split(" ");
  assert.ok(isa === "relaxed" && Number(on) > 100 && Number(off) < 40, `${name}: ${isa} ${on} ${off}`);
  console.log(`✔ ${name} in Chromium`);
  await page.close();
}
const host = await serve(folder);
await works("vite build", `${host.url}dist/`);
await works("webpack", `${host.url}webpack/`);
await works("a plain script", `${host.url}plain/`);
const vite = spawn(join(folder, "node_modules/.bin/vite"), ["--logLevel", "warn"], { cwd: folder, stdio: "inherit" });
for (let tries = 0; tries < 100; tries++) {
  if (await fetch("http://localhost:5199/").then(({ ok }) => ok, () => false)) break;
  await new Promise((done) => setTimeout(done, 300));
}
try {
  await works("vite dev", "http://localhost:5199/");
} finally {
  vite.kill();
  await browser.close();
  host.close();
}
