// Deliver webhooks as GitHub does: a push moves its open pull requests first, payloads hold what handlers read, every
// delivery has an id of its own, and all of them are kept for the tests to look at.

import { createHmac, randomUUID } from "node:crypto";
import { walk } from "./fields.mjs";

export function deliverWebhooks(world) {
  world.webhooks.dispatch = async (event, action, payload, owner, name) => {
    const repo = world.gh.repos.findOneBy("full_name", `${owner}/${name}`);
    const moved = event === "push" ? movePulls(world, repo, payload) : [];
    await deliver(world, event, enrich(world, event, payload, repo), { repo });
    for (const pull of moved) await synchronize(world, payload, pull);
  };
}

function movePulls(world, repo, push) {
  const branch = push.ref.replace("refs/heads/", "");
  const open = world.gh.pullRequests
    .findBy("repo_id", repo.id)
    .filter((pull) => pull.state === "open" && pull.head_ref === branch && pull.head_sha !== push.after);
  return open.map((pull) => world.gh.pullRequests.update(pull.id, { head_sha: push.after }));
}

async function synchronize(world, push, pull) {
  const repo = world.gh.repos.get(pull.repo_id);
  const token = `token ${[...world.tokenMap.keys()][0]}`;
  const shown = await (await world.api(`/repos/${repo.full_name}/pulls/${pull.number}`, token)).json();
  const payload = { action: "synchronize", before: push.before, after: push.after, pull_request: shown, repository: push.repository, sender: push.sender };
  await deliver(world, "pull_request", enrich(world, "pull_request", payload, repo), { repo });
}

function enrich(world, event, payload, repo) {
  const full = trim(walk(world, payload));
  if (event === "pull_request") full.number = full.pull_request.number;
  if (payload.action === "review_requested") full.requested_reviewer = full.pull_request.requested_reviewers.at(-1);
  if (event === "issue_comment" && payload.issue) full.issue = issueOf(world, full.issue, repo);
  if (payload.action === "edited") full.changes ??= {};
  if (event === "pull_request_review") reviewOf(full);
  if (event === "pull_request_review_comment") for (const key of OF_DETAIL) delete full.pull_request[key];
  const org = repo && repo.owner_type === "Organization" ? world.gh.orgs.get(repo.owner_id) : null;
  if (org) full.organization = organization(world, org);
  return full;
}

// Deliveries have a few fields that answers have not, and the other way round.
function trim(value) {
  if (Array.isArray(value)) return value.map(trim);
  if (!value || typeof value !== "object") return value;
  const full = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, trim(item)]));
  if ("followers_url" in full) for (const key of OF_ORGANIZATIONS) delete full[key];
  if ("default_branch" in full) Object.assign(full, { web_commit_signoff_required: false, custom_properties: {} });
  if ("mergeable_state" in full) full.active_lock_reason = null;
  if ("timeline_url" in full) delete full.closed_by;
  return full;
}

const OF_ORGANIZATIONS = ["user_view_type", "hooks_url", "issues_url", "members_url", "public_members_url", "description"];

// A review's delivery writes its state in small letters, and shows the pull request as a listing does.
function reviewOf(full) {
  const { id, node_id, user, body, commit_id, submitted_at, state, html_url, pull_request_url, author_association, _links } = full.review;
  full.review = { id, node_id, user, body, commit_id, submitted_at, state: state.toLowerCase(), html_url, pull_request_url, author_association, _links };
  for (const key of OF_DETAIL) delete full.pull_request[key];
}

const OF_DETAIL = ["merged", "mergeable", "rebaseable", "mergeable_state", "merged_by", "comments", "review_comments"].concat([
  "maintainer_can_modify", "commits", "additions", "deletions", "changed_files",
]);

function issueOf(world, issue, repo) {
  const pull = world.gh.pullRequests.findBy("repo_id", repo.id).find((candidate) => candidate.number === issue.number);
  if (!pull) return issue;
  const html = `${world.baseUrl}/${repo.full_name}/pull/${pull.number}`;
  const link = { url: `${world.baseUrl}/repos/${repo.full_name}/pulls/${pull.number}`, html_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`, merged_at: pull.merged_at };
  return { ...issue, html_url: html, draft: pull.draft, pull_request: link };
}

export function organization(world, org) {
  const url = `${world.baseUrl}/orgs/${org.login}`;
  return {
    login: org.login, id: org.id, node_id: org.node_id, url, repos_url: `${url}/repos`, events_url: `${url}/events`, hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`, members_url: `${url}/members{/member}`, public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${world.baseUrl}/avatars/u/${org.login}`, description: org.description ?? null,
  };
}

// To every App that is installed on the repository; an event of an installation goes to its App, whatever that asked for.
export async function deliver(world, event, payload, { repo = null, app: only = null }) {
  const receivers = only ? [[only, null]] : receiversOf(world, event, repo);
  for (const [app, installation] of receivers) {
    const told = installation ? { ...payload, installation: { id: installation.installation_id, node_id: Buffer.from(`I${installation.id}`).toString("base64") } } : trim(walk(world, payload));
    const body = JSON.stringify(told);
    const headers = headersOf(app, event, body);
    const id = world.deliveries.length + 1;
    const delivery = { id, at: new Date().toISOString(), event, action: payload.action ?? null, url: app.webhook_url, headers, body, status: null };
    world.deliveries.push(delivery);
    if (app.webhook_url) delivery.status = await send(app.webhook_url, headers, body);
  }
}

function receiversOf(world, event, repo) {
  const wanting = world.gh.apps.all().filter((app) => app.events.includes("*") || app.events.includes(event));
  const covers = (row) => row.repository_selection === "all" || row.repository_ids.includes(repo?.id);
  const found = wanting.map((app) => [app, world.gh.appInstallations.all().find((row) => row.app_id === app.app_id && covers(row))]);
  return found.filter(([, installation]) => installation);
}

function headersOf(app, event, body) {
  return {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/0000000",
    "x-github-event": event,
    "x-github-delivery": randomUUID(),
    "x-github-hook-installation-target-type": "integration",
    "x-github-hook-installation-target-id": String(app.app_id),
    ...(app.webhook_secret ? { "x-hub-signature-256": "sha256=" + createHmac("sha256", app.webhook_secret).update(body).digest("hex") } : {}),
  };
}

// A delivery shows the repository without what only its own page has.
export const repositoryOf = (pull) => pull.base.repo;

async function send(url, headers, body) {
  try {
    return (await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(10_000) })).status;
  } catch (error) {
    return String(error);
  }
}
