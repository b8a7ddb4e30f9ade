// What the emulator lacks of GitHub and our loop needs. It wraps the plugin's register(): our routes come first (the
// first match wins), and every request passes through handle() below.

import { createHash } from "node:crypto";
import { install, routes as appRoutes, select, uninstall } from "./apps.mjs";
import { routes as deploymentRoutes } from "./deployments.mjs";
import { codeload, routes as gitRoutes } from "./git.mjs";
import { routes as graphqlRoutes } from "./graphql.mjs";
import { complete } from "./fields.mjs";
import { routes as hookRoutes } from "./hook_deliveries.mjs";
import { refuse, widen } from "./limits.mjs";
import { routes as reviewRoutes } from "./reviews.mjs";
import { isGit, serveGit } from "./smart_http.mjs";
import { deliverWebhooks } from "./webhooks.mjs";

const ROUTES = [gitRoutes, hookRoutes, reviewRoutes, appRoutes, deploymentRoutes, graphqlRoutes];

export function extend(plugin, getGitHubStore) {
  const register = plugin.register;
  plugin.register = function (app, store, webhooks, baseUrl, tokenMap) {
    const world = { app, gh: getGitHubStore(store), webhooks, baseUrl, tokenMap, log: [], faults: [], deliveries: [], reactions: [], renamed: new Map() };
    world.plain = app.fetch; // the emulator without us
    world.api = (path, token, init = {}) => world.plain(request(world, path, token, init));
    for (const [method, path, handler] of ROUTES.flatMap((routes) => routes(world))) app.on(method, path, handler);
    register.call(this, app, store, webhooks, baseUrl, tokenMap);
    deliverWebhooks(world);
    app.fetch = (incoming) => handle(world, incoming);
  };
}

async function handle(world, incoming) {
  const url = new URL(incoming.url);
  if (isGit(url)) return serveGit(world, incoming, url);
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
  const elsewhere = moved(world, url);
  if (elsewhere) return elsewhere;
  const init = { method: incoming.method, headers: widen(world, incoming, url), ...(body ? { body } : {}) };
  const refusal = await refuse(world, incoming, url, parsed(body) ?? {});
  const response = refusal ?? (await complete(world, incoming, url, parsed(body) ?? {}, await world.plain(new Request(incoming.url, init))));
  return fault ? faulty(fault) : tagged(incoming, response); // else the work is done, and the answer is lost
}

// Who has the present version need not load it again.
async function tagged(incoming, response) {
  if (incoming.method !== "GET" || response.status !== 200) return response;
  const bytes = Buffer.from(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("etag", `W/"${createHash("sha256").update(bytes).digest("hex")}"`);
  if (incoming.headers.get("if-none-match") === headers.get("etag")) return new Response(null, { status: 304, headers });
  return new Response(bytes, { status: 200, headers });
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

async function control(world, what, body) {
  const given = parsed(body) ?? {};
  if (what === "log") return json(world.log);
  if (what === "deliveries") return json(world.deliveries);
  if (what in DONE_BY_PEOPLE) return json(await DONE_BY_PEOPLE[what](world, given));
  if (what === "faults") world.faults = given.map((fault) => ({ times: 1, skip: 0, after: false, ...fault }));
  else if (what === "expire") world.tokenMap.forEach((user, token) => user.installation && world.tokenMap.delete(token));
  else if (what === "webhook") world.gh.apps.all().forEach((app) => world.gh.apps.update(app.id, { webhook_url: given.url }));
  else return json({ message: `no control ${what}` }, 404);
  return json({});
}

// On GitHub's pages, for which it has no API.
const DONE_BY_PEOPLE = { install, uninstall, select, rename, archive };

async function rename(world, { repository, name }) {
  const row = world.gh.repos.findOneBy("full_name", repository);
  const [owner, before] = repository.split("/");
  world.gh.repos.update(row.id, { name, full_name: `${owner}/${name}` });
  world.renamed.delete(`${owner}/${name}`);
  world.renamed.set(repository, `${owner}/${name}`);
  return tellOf(world, `${owner}/${name}`, "renamed", { changes: { repository: { name: { from: before } } } });
}

async function archive(world, { repository, archived }) {
  world.gh.repos.update(world.gh.repos.findOneBy("full_name", repository).id, { archived });
  return tellOf(world, repository, archived ? "archived" : "unarchived", {});
}

async function tellOf(world, repository, action, said) {
  const token = `token ${[...world.tokenMap.keys()][0]}`;
  const shown = await (await world.api(`/repos/${repository}`, token)).json();
  const { login, id, node_id, type } = world.gh.users.all()[0];
  const sender = { login, id, node_id, type, site_admin: false };
  await world.webhooks.dispatch("repository", action, { action, ...said, repository: shown, sender }, ...repository.split("/"));
  return {};
}

// Who asks for a repository by a former name is sent to the present one.
function moved(world, url) {
  const [, before, rest] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  const now = world.renamed.get(before);
  if (!now) return undefined;
  const location = `${world.baseUrl}/repos/${now}${rest ?? ""}${url.search}`;
  return json({ message: "Moved Permanently", url: location, documentation_url: "https://docs.github.com/rest" }, 301, { location });
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
