// Fields that GitHub's answers have and the emulator's lack.

import { compare, prune } from "./git.mjs";
import { json } from "./extension.mjs";

export async function complete(world, incoming, url, body, response) {
  const [, owner, name, rest = ""] = /^\/repos\/([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (!response.ok || !(response.headers.get("content-type") ?? "").includes("json")) return response;
  let value = await response.json();
  const authorization = incoming.headers.get("authorization");
  if (incoming.method === "POST" && rest === "git/trees") value = await prune(world, `${owner}/${name}`, value, authorization);
  const repo = world.gh.repos.findOneBy("full_name", `${owner}/${name}`);
  const headers = Object.fromEntries([...response.headers].filter(([key]) => key !== "content-length"));
  if (/^check-runs(\/\d+)?$/.test(rest)) keepCheck(world, incoming, body, value);
  if (/^check-runs\/\d+\/annotations$/.test(rest)) value = value.check_annotations.map((each) => annotationOf(world, repo, each));
  if (/^pulls\/\d+$/.test(rest)) Object.assign(value, await counts(world, repo, value, authorization));
  if (name && rest === "") Object.assign(value, { network_count: 0, subscribers_count: 0 });
  if (url.pathname.endsWith("/access_tokens")) value.repositories = await repositories(world, value);
  return json(walk(world, value), response.status, headers);
}

// GitHub appends annotations and knows which App made a run; the emulator replaces the former and forgets the latter.
function keepCheck(world, incoming, body, value) {
  const run = world.gh.checkRuns.get(value.id);
  const token = (incoming.headers.get("authorization") ?? "").replace(/^\S+\s+/, "");
  const before = run.annotations_kept ?? [];
  const kept = incoming.method === "GET" ? before : [...before, ...(body.output?.annotations ?? [])];
  const app = run.app_id ?? world.tokenMap.get(token)?.installation?.appId ?? null;
  world.gh.checkRuns.update(run.id, { app_id: app, annotations_kept: kept, output: { ...run.output, annotations: kept, annotations_count: kept.length } });
  value.output.annotations_count = kept.length;
}

function annotationOf(world, repo, { path, start_line, end_line, annotation_level, message, title = null, raw_details = null }) {
  const blob_href = `${world.baseUrl}/${repo.full_name}/blob/HEAD/${path}`;
  return { path, start_line, end_line, start_column: null, end_column: null, annotation_level, message, title, raw_details, blob_href };
}

async function counts(world, repo, pull, token) {
  if (!pull.head) return {};
  const { files = [], total_commits = pull.commits } = await compare(world, repo.full_name, pull, token);
  const sum = (key) => files.reduce((total, file) => total + file[key], 0);
  return { additions: sum("additions"), deletions: sum("deletions"), changed_files: files.length, commits: total_commits };
}

// Add what is missing wherever an object of a known shape appears.
export function walk(world, value) {
  if (Array.isArray(value)) return value.map((item) => walk(world, item));
  if (!value || typeof value !== "object") return value;
  const full = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(world, item)]));
  for (const [fits, add] of SHAPES) if (fits(full)) Object.assign(full, { ...add(world, full), ...present(full) });
  return full;
}

const present = (object) => Object.fromEntries(Object.entries(object).filter(([, item]) => item !== undefined && item !== null));

const SHAPES = [
  [(o) => "ref" in o && "object" in o && typeof o.url === "string", (world, ref) => refOf(ref)],
  [(o) => "pull_request_review_id" in o && "diff_hunk" in o, (world, comment) => reviewCommentOf(comment)],
  [(o) => "login" in o && "id" in o && "node_id" in o, (world, user) => userOf(world, user)],
  [(o) => "check_suite" in o && "external_id" in o, (world, run) => checkOf(world, run)],
  [(o) => "role_name" in o && "permission" in o, (world, answer) => levelOf(world, answer)],
  [(o) => "app_slug" in o && "target_type" in o, (world, installation) => ({ target_id: installation.account?.id })],
];

// The emulator shows the permission under the name that one gives it by.
function levelOf(world, answer) {
  answer.permission = { push: "write", maintain: "write", pull: "read", triage: "read" }[answer.permission] ?? answer.permission;
  answer.user.role_name = answer.role_name;
  return {};
}

// The address that takes changes has an "s".
function refOf(ref) {
  ref.url = ref.url.replace("/git/ref/", "/git/refs/");
  return {};
}

// What is not there is left out; a comment on a line has a position in the diff.
function reviewCommentOf(comment) {
  const { url, html_url, pull_request_url } = comment;
  if (comment.in_reply_to_id === null) delete comment.in_reply_to_id;
  comment.position ??= 1;
  comment.pull_request_review_id ??= comment.id; // GitHub makes a review around a single comment
  comment.original_position ??= 1;
  const link = (href) => ({ href });
  const lines = { original_line: comment.line, start_line: null, original_start_line: null, start_side: null };
  return { ...lines, _links: { self: link(url), html: link(html_url), pull_request: link(pull_request_url) } };
}

function checkOf(world, run) {
  run.output.annotations_url = `${run.url}/annotations`;
  const id = world.gh.checkRuns.get(run.id)?.app_id;
  const app = world.gh.apps.all().find((candidate) => candidate.app_id === id);
  return { app: app ? appOf(world, app) : null };
}

async function repositories(world, value) {
  const names = (value.repositories ?? []).map((repo) => repo.full_name);
  return Promise.all(names.map(async (name) => (await world.api(`/repos/${name}`, `token ${value.token}`)).json()));
}

function userOf(world, user) {
  const url = user.url ?? `${world.baseUrl}/users/${user.login}`;
  return {
    url, avatar_url: `${world.baseUrl}/avatars/u/${user.login}`, html_url: `${world.baseUrl}/${user.login}`, gravatar_id: "",
    followers_url: `${url}/followers`, following_url: `${url}/following{/other_user}`, gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`, subscriptions_url: `${url}/subscriptions`, organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`, events_url: `${url}/events{/privacy}`, received_events_url: `${url}/received_events`,
    type: "Organization", site_admin: false,
  };
}

export function appOf(world, app) {
  const html_url = `${world.baseUrl}/apps/${app.slug}`;
  const { login, id: owner_id, node_id } = world.gh.orgs.findOneBy("login", app.owner_login) ?? world.gh.users.findOneBy("login", app.owner_login) ?? world.gh.orgs.all()[0];
  const { app_id: id, slug, name, description, created_at, updated_at, permissions, events } = app;
  const owner = userOf(world, { login });
  return { id, slug, node_id: "A_1", owner: { login, id: owner_id, node_id, ...owner }, name, description, external_url: html_url, html_url, created_at, updated_at, permissions, events };
}
