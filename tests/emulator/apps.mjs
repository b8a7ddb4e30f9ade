// Apps that register themselves, and what people do with them: the manifest flow, installations, selections.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { appOf } from "./fields.mjs";
import { json } from "./extension.mjs";
import { deliver } from "./webhooks.mjs";

const codes = new Map(); // good once -> {manifest, owner}
const MAX_NAME = 34;
// Which permission an event needs; GitHub refuses a manifest that asks for an event without it.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
const NEEDS = {
  check_run: ["checks"], check_suite: ["checks"], deployment: ["deployments"], deployment_status: ["deployments"],
  issue_comment: ["issues", "pull_requests"], issues: ["issues"], pull_request: ["pull_requests"], pull_request_review: ["pull_requests"],
  pull_request_review_comment: ["pull_requests"], pull_request_review_thread: ["pull_requests"], push: ["contents"], repository: ["metadata"],
};

export function routes(world) {
  return [
    ["POST", "/settings/apps/new", (c) => propose(world, c, null)],
    ["POST", "/organizations/:org/settings/apps/new", (c) => propose(world, c, c.req.param("org"))],
    ["POST", "/app-manifests/:code/conversions", (c) => convert(world, c)],
  ];
}

// The person agrees at once: a redirect with the code and their state.
async function propose(world, c, org) {
  const manifest = JSON.parse((await c.req.parseBody()).manifest);
  const owner = org ? world.gh.orgs.findOneBy("login", org) : world.gh.users.all()[0];
  const problems = owner ? refusals(world, manifest) : ["no such account"];
  if (problems.length) return new Response(problems.join("\n"), { status: 422 });
  const code = randomBytes(20).toString("hex");
  codes.set(code, { manifest, owner });
  const back = new URL(manifest.redirect_url);
  back.searchParams.set("code", code);
  if (c.req.query("state")) back.searchParams.set("state", c.req.query("state"));
  return new Response(null, { status: 302, headers: { location: String(back) } });
}

function refusals(world, { name, url, hook_attributes, redirect_url, default_permissions = {}, default_events = [] }) {
  const missing = default_events.filter((event) => !NEEDS[event]?.some((permission) => permission === "metadata" || default_permissions[permission]));
  return [
    ...(!name || name.length > MAX_NAME || world.gh.apps.all().some((app) => app.name === name) ? ["Name is missing, too long or taken"] : []),
    ...(url && redirect_url && hook_attributes?.url ? [] : ["url, redirect_url and hook_attributes.url are required"]),
    ...missing.map((event) => `Default events unsupported: ${event}`),
  ];
}

function convert(world, c) {
  const found = codes.get(c.req.param("code"));
  codes.delete(c.req.param("code"));
  if (!found) return json({ message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" }, 404);
  const { manifest, owner } = found;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const app = world.gh.apps.insert({
    app_id: 70_000 + world.gh.apps.all().length, slug: manifest.name.toLowerCase().replace(/[^a-z0-9]+/g, "-"), name: manifest.name, owner_login: owner.login,
    private_key: privateKey.export({ type: "pkcs1", format: "pem" }), permissions: manifest.default_permissions, events: manifest.default_events,
    webhook_url: manifest.hook_attributes.active === false ? null : manifest.hook_attributes.url, webhook_secret: randomBytes(20).toString("hex"), description: null,
  });
  const secrets = { client_id: `Iv1.${randomBytes(8).toString("hex")}`, client_secret: randomBytes(20).toString("hex") };
  return json({ ...appOf(world, app), ...secrets, pem: app.private_key, webhook_secret: app.webhook_secret }, 201);
}

// What people do on the App's page, for the tests to ask for: {app_id, account, repositories}.
export async function install(world, { app_id, account, repositories }) {
  const app = world.gh.apps.all().find((each) => each.app_id === app_id);
  const org = world.gh.orgs.findOneBy("login", account);
  const owner = org ?? world.gh.users.findOneBy("login", account);
  const installation = world.gh.appInstallations.insert({
    installation_id: 500 + world.gh.appInstallations.all().length, app_id, account_type: org ? "Organization" : "User", account_id: owner.id, account_login: account,
    repository_selection: "selected", repository_ids: repositories.map((name) => world.gh.repos.findOneBy("full_name", name).id),
    permissions: app.permissions, events: app.events, suspended_at: null,
  });
  await tell(world, "installation", "created", installation, { repositories: named(world, installation.repository_ids) });
  return { installation_id: installation.installation_id };
}

export async function uninstall(world, { installation_id }) {
  const installation = find(world, installation_id);
  world.gh.appInstallations.delete(installation.id);
  world.tokenMap.forEach((user, token) => user.installation?.installationId === installation_id && world.tokenMap.delete(token));
  await tell(world, "installation", "deleted", installation, { repositories: named(world, installation.repository_ids) });
  return {};
}

export async function select(world, { installation_id, added = [], removed = [] }) {
  const installation = find(world, installation_id);
  const ids = (names) => names.map((name) => world.gh.repos.findOneBy("full_name", name).id);
  const kept = installation.repository_ids.filter((id) => !ids(removed).includes(id));
  const changed = world.gh.appInstallations.update(installation.id, { repository_ids: [...kept, ...ids(added)] });
  const said = { repository_selection: "selected", repositories_added: named(world, ids(added)), repositories_removed: named(world, ids(removed)), requester: null };
  await tell(world, "installation_repositories", added.length ? "added" : "removed", changed, said);
  return {};
}

const find = (world, id) => world.gh.appInstallations.all().find((each) => each.installation_id === id);

const named = (world, ids) => ids.map((id) => world.gh.repos.get(id)).map(({ id, node_id, name, full_name, private: hidden }) => ({ id, node_id, name, full_name, private: hidden }));

async function tell(world, event, action, row, said) {
  const app = world.gh.apps.all().find((each) => each.app_id === row.app_id);
  const account = await (await world.api(`/users/${row.account_login}`)).json();
  const owner = row.account_type === "User" ? account : accountOf(world, row.account_login);
  const sender = accountOf(world, world.gh.users.all()[0].login);
  await deliver(world, event, { action, installation: installationOf(world, app, row, owner), ...said, sender }, { app });
}

function accountOf(world, login) {
  const row = world.gh.users.findOneBy("login", login) ?? world.gh.orgs.findOneBy("login", login);
  return { login, id: row.id, node_id: row.node_id, type: row.type ?? "Organization", site_admin: false };
}

function installationOf(world, app, row, account) {
  const now = new Date().toISOString();
  return {
    id: row.installation_id, account, repository_selection: row.repository_selection, app_id: app.app_id, app_slug: app.slug,
    access_tokens_url: `${world.baseUrl}/app/installations/${row.installation_id}/access_tokens`, repositories_url: `${world.baseUrl}/installation/repositories`,
    html_url: `${world.baseUrl}/settings/installations/${row.installation_id}`, target_id: row.account_id, target_type: row.account_type,
    permissions: app.permissions, events: app.events.filter((event) => event !== "*"), created_at: now, updated_at: now, single_file_name: null,
    has_multiple_single_files: false, single_file_paths: [], suspended_by: null, suspended_at: null,
  };
}
