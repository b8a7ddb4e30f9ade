// Start the GitHub emulator on loopback with our extension. Reads one line of JSON from standard input,
// {"port": 4001, "seed": {...}}; prints one line when it listens; ends when standard input does, as it does however the
// process that started us ends.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { extend } from "./extension.mjs";

listenOnLoopbackOnly();
const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit());
const { port, seed } = JSON.parse((await once(lines, "line"))[0]);
const { githubPlugin, getGitHubStore } = await import(githubChunk());
extend(githubPlugin, getGitHubStore);
const { createEmulator } = await import("emulate");
const emulator = await createEmulator({ service: "github", port, baseUrl: `http://127.0.0.1:${port}`, seed });
console.log(`listening on ${emulator.url}`);

// The emulator offers no address to listen on; a test server has no business on other interfaces.
function listenOnLoopbackOnly() {
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (where, ...rest) {
    if (typeof where !== "number") return listen.call(this, where, ...rest);
    return listen.call(this, { port: where, host: "127.0.0.1" });
  };
}

// The package exports only createEmulator; the GitHub plugin is a chunk named for its content. createEmulator imports the
// same module object, so what is wrapped there is what it registers.
function githubChunk() {
  const api = import.meta.resolve("emulate");
  const chunk = /GitHub REST API emulator[^]*?import\("\.\/(dist-[A-Z0-9]+\.js)"\)/.exec(readFileSync(new URL(api), "utf8"));
  if (!chunk) throw new Error("emulate: the GitHub plugin is not where version 0.11.2 has it");
  return new URL(chunk[1], api).href;
}
