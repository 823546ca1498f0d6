// Firefox for tests, if there is one, driven by WebDriver BiDi, which it speaks itself: no geckodriver.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATHS = [
  process.env.FIREFOX,
  "/usr/bin/firefox-esr",
  "/usr/bin/firefox",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
];

/** A camera that shows a film of Firefox's own, no questions, and no traffic but the tests'. */
const PREFERENCES = {
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "media.navigator.permission.disabled": true,
  "media.navigator.streams.fake": true,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

const TIMEOUT = 60_000;

/** The browser, or why there is none: `{ launch }` or `{ reason }`. */
export async function firefox() {
  const program = PATHS.find((path) => path && existsSync(path));
  if (!program) return { reason: "Firefox is not there: install it, or name it in FIREFOX" };
  let WebSocket;
  try {
    WebSocket = createRequire(import.meta.url)("playwright-core/lib/utilsBundle").ws;
  } catch {
    return { reason: "playwright-core is not there (npm could not be asked)" };
  }
  return { launch: () => launch(program, WebSocket) };
}

async function launch(program, WebSocket) {
  const home = mkdtempSync(join(tmpdir(), "pidinet-firefox-"));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(join(home, "user.js"), lines.join(""));
  const child = spawn(program, ["--headless", "--no-remote", "--profile", home, "--remote-debugging-port", "0"], {
    env: { ...process.env, HOME: home, MOZ_CRASHREPORTER_DISABLE: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((done) => child.once("exit", done));
  const close = async () => {
    child.kill();
    await Promise.race([ended, new Promise((done) => setTimeout(done, 5000))]);
    child.kill("SIGKILL");
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  try {
    const session = await connect(`${await addressOf(child)}/session`, WebSocket);
    const { capabilities } = await session.send("session.new", { capabilities: {} });
    await session.send("session.subscribe", { events: ["log.entryAdded", "network.beforeRequestSent"] });
    return { version: capabilities.browserVersion, newPage: () => page(session), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where Firefox says that it listens. */
function addressOf(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (data) => {
      said += data;
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? [];
      if (address) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`Firefox ended with ${code}: ${said}`)));
    setTimeout(() => reject(new Error(`Firefox does not listen: ${said}`)), TIMEOUT).unref();
  });
}

/** Commands out and answers in, each with the number of its command; events to whoever listens. */
async function connect(address, WebSocket) {
  const socket = new WebSocket(address);
  const [owed, listeners] = [new Map(), new Set()];
  let next = 0;
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === "event") return listeners.forEach((listener) => listener(message));
    const { resolve, reject } = owed.get(message.id) ?? {};
    owed.delete(message.id);
    if (message.type === "error") reject?.(new Error(`${message.error}: ${message.message}`));
    else resolve?.(message.result);
  });
  socket.on("close", () => owed.forEach(({ reject }) => reject(new Error("Firefox has gone"))));
  await new Promise((done, failed) => socket.once("open", done).once("error", failed));
  const send = (method, params) =>
    new Promise((resolve, reject) => {
      owed.set(next, { resolve, reject });
      socket.send(JSON.stringify({ id: next++, method, params }));
    });
  return { send, listeners };
}

/** A tab with the few things that tests do, and what it asked for and complained of. */
async function page({ send, listeners }) {
  const { context } = await send("browsingContext.create", { type: "tab" });
  const [complaints, requests] = [[], []];
  const listener = ({ method, params }) => {
    if (method === "log.entryAdded" && params.source.context === context && params.level === "error") complaints.push(params.text);
    if (method === "network.beforeRequestSent" && params.context === context) requests.push(params.request.url);
  };
  listeners.add(listener);
  const evaluate = async (body, argument) => {
    const { exceptionDetails, result } = await send("script.callFunction", {
      functionDeclaration: `async () => JSON.stringify(await (${body})(${JSON.stringify(argument) ?? ""}))`,
      target: { context },
      awaitPromise: true,
      userActivation: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  };
  return {
    complaints,
    requests,
    evaluate,
    goto: (url) => send("browsingContext.navigate", { context, url, wait: "complete" }),
    viewport: ({ width, height }) => send("browsingContext.setViewport", { context, viewport: { width, height } }),
    /** Presses a key; names of keys are those of WebDriver's code points. */
    press: async (key) => {
      const actions = ["keyDown", "keyUp"].map((type) => ({ type, value: key }));
      await send("input.performActions", { context, actions: [{ type: "key", id: "keyboard", actions }] });
    },
    screenshot: async (path) => {
      const { data } = await send("browsingContext.captureScreenshot", { context, origin: "document" });
      writeFileSync(path, Buffer.from(data, "base64"));
    },
    /** Waits until a function of the page gives something that is true. */
    until: async (body, argument) => {
      const end = Date.now() + TIMEOUT;
      for (;;) {
        const found = await evaluate(body, argument);
        if (found) return found;
        if (Date.now() > end) throw new Error(`this did not come true: ${body}; complaints: ${complaints.join("; ") || "none"}`);
        await new Promise((done) => setTimeout(done, 100));
      }
    },
    close: async () => {
      listeners.delete(listener);
      await send("browsingContext.close", { context });
    },
  };
}
