// What the emulator lacks of GitHub and our loop needs. It wraps the plugin's register(): our routes come first (the
// first match wins), and every request passes through handle() below.

import { codeload, routes as gitRoutes } from "./git.mjs";
import { complete } from "./fields.mjs";
import { routes as hookRoutes } from "./hook_deliveries.mjs";
import { refuse, widen } from "./limits.mjs";
import { routes as reviewRoutes } from "./reviews.mjs";
import { deliverWebhooks } from "./webhooks.mjs";

export function extend(plugin, getGitHubStore) {
  const register = plugin.register;
  plugin.register = function (app, store, webhooks, baseUrl, tokenMap) {
    const world = { app, gh: getGitHubStore(store), webhooks, baseUrl, tokenMap, log: [], faults: [], deliveries: [], reactions: [] };
    world.plain = app.fetch; // the emulator without us
    world.api = (path, token, init = {}) => world.plain(request(world, path, token, init));
    for (const [method, path, handler] of [...gitRoutes(world), ...hookRoutes(world), ...reviewRoutes(world)]) app.on(method, path, handler);
    register.call(this, app, store, webhooks, baseUrl, tokenMap);
    deliverWebhooks(world);
    app.fetch = (incoming) => handle(world, incoming);
  };
}

async function handle(world, incoming) {
  const url = new URL(incoming.url);
  const body = incoming.body ? await incoming.text() : "";
  if (url.pathname.startsWith("/_control/")) return control(world, url.pathname.slice("/_control/".length), body);
  const entry = { method: incoming.method, path: url.pathname, query: url.search, request: parsed(body) };
  entry.authorization = incoming.headers.get("authorization")?.split(" ")[0] ?? null;
  const response = await answer(world, incoming, url, body);
  entry.status = response.status;
  entry.response = parsed(await response.clone().text());
  world.log.push(entry);
  return response;
}

async function answer(world, incoming, url, body) {
  if (url.pathname.startsWith("/_codeload/")) return codeload(world, incoming, url);
  const fault = nextFault(world, `${incoming.method} ${url.pathname}`);
  if (fault && !fault.after) return faulty(fault);
  if (unknownToken(world, incoming)) return json({ message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" }, 401);
  const init = { method: incoming.method, headers: widen(world, incoming, url), ...(body ? { body } : {}) };
  const refusal = await refuse(world, incoming, url, parsed(body) ?? {});
  const response = refusal ?? (await complete(world, incoming, url, parsed(body) ?? {}, await world.plain(new Request(incoming.url, init))));
  return fault ? faulty(fault) : response; // the work is done, and the answer is lost
}

// The emulator takes an unknown token for its first user.
function unknownToken(world, incoming) {
  const token = (incoming.headers.get("authorization") ?? "").replace(/^(Bearer|token)\s+/i, "").trim();
  return token !== "" && !token.startsWith("eyJ") && !world.tokenMap.has(token);
}

// A fault is {match, status, headers, body, times, skip, after}; `match` is a regular expression on "METHOD path".
function nextFault(world, line) {
  const fault = world.faults.find((candidate) => candidate.times > 0 && new RegExp(candidate.match).test(line));
  if (!fault) return undefined;
  if (fault.skip > 0) {
    fault.skip -= 1;
    return undefined;
  }
  fault.times -= 1;
  return fault;
}

function faulty({ status, headers, body }) {
  return new Response(JSON.stringify(body ?? {}), { status, headers: { "content-type": "application/json", ...headers } });
}

function control(world, what, body) {
  const given = parsed(body) ?? {};
  if (what === "log") return json(world.log);
  if (what === "deliveries") return json(world.deliveries);
  if (what === "faults") world.faults = given.map((fault) => ({ times: 1, skip: 0, after: false, ...fault }));
  else if (what === "expire") world.tokenMap.forEach((user, token) => user.installation && world.tokenMap.delete(token));
  else if (what === "webhook") world.gh.apps.all().forEach((app) => world.gh.apps.update(app.id, { webhook_url: given.url }));
  else if (what === "ready") ready(world, given.number);
  else return json({ message: `no control ${what}` }, 404);
  return json({});
}

// GitHub's web interface does this through GraphQL, which the emulator does not speak.
function ready(world, number) {
  const pull = world.gh.pullRequests.all().find((candidate) => candidate.number === number);
  world.gh.pullRequests.update(pull.id, { draft: false });
}

export function request(world, path, token, init) {
  const headers = { authorization: token ?? "", "content-type": "application/json" };
  return new Request(world.baseUrl + path, { ...init, headers: token ? headers : { "content-type": "application/json" } });
}

export function json(value, status = 200, headers = {}) {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } });
}

export function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
