// What GitHub refuses and the emulator lets through, and the other way round.

import { json } from "./extension.mjs";

const MAX_BODY = 65_536;
const MAX_ANNOTATIONS = 50;

// Return a refusal, or undefined when the request may go on.
export async function refuse(world, incoming, url, body) {
  const [, owner, name, rest] = /^\/repos\/([^/]+)\/([^/]+)\/(.*)$/.exec(url.pathname) ?? [];
  const repo = world.gh.repos.findOneBy("full_name", `${owner}/${name}`);
  if (!repo || !["POST", "PATCH"].includes(incoming.method)) return undefined;
  if (typeof body.body === "string" && body.body.length > MAX_BODY) {
    return invalid(`body is too long (maximum is ${MAX_BODY} characters)`, "body");
  }
  if (incoming.method === "POST" && rest === "pulls") return refusePull(world, incoming, repo, body);
  if (rest.startsWith("check-runs")) return refuseCheck(world, incoming, body);
  return undefined;
}

async function refusePull(world, incoming, repo, body) {
  const head = String(body.head ?? "").split(":").pop();
  const tip = world.gh.branches.findBy("repo_id", repo.id).find((branch) => branch.name === head);
  if (!tip) return invalid(undefined, "head", "invalid");
  const open = world.gh.pullRequests
    .findBy("repo_id", repo.id)
    .find((pull) => pull.state === "open" && pull.head_ref === head && pull.base_ref === body.base);
  if (open) return invalid(`A pull request already exists for ${repo.full_name.split("/")[0]}:${head}.`);
  const compared = await world.api(`/repos/${repo.full_name}/compare/${body.base}...${head}`, incoming.headers.get("authorization"));
  if (compared.ok && (await compared.json()).ahead_by === 0) return invalid(`No commits between ${body.base} and ${head}`);
  return undefined;
}

function refuseCheck(world, incoming, body) {
  const token = (incoming.headers.get("authorization") ?? "").replace(/^\S+\s+/, "");
  if (!world.tokenMap.get(token)?.installation) {
    return json({ message: "You must authenticate via a GitHub App.", documentation_url: "https://docs.github.com/rest", status: "403" }, 403);
  }
  const annotations = body.output?.annotations ?? [];
  if (annotations.length > MAX_ANNOTATIONS) {
    return json({ message: `Invalid request.\n\nNo more than ${MAX_ANNOTATIONS} items are allowed; ${annotations.length} were supplied.` }, 422);
  }
  return undefined;
}

function invalid(message, field = "base", code = "custom") {
  const error = { resource: "PullRequest", code, field, ...(message ? { message } : {}) };
  return json({ message: "Validation Failed", errors: [error], documentation_url: "https://docs.github.com/rest", status: "422" }, 422);
}

// To label a pull request `pull_requests: write` is enough; the emulator wants `issues: write`. Return the headers with a
// twin of the token that has both.
// https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue
export function widen(world, incoming, url) {
  const headers = new Headers(incoming.headers);
  const [, fullName, number] = /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)\/labels$/.exec(url.pathname) ?? [];
  const repo = fullName && world.gh.repos.findOneBy("full_name", fullName);
  const isPull = repo && world.gh.pullRequests.findBy("repo_id", repo.id).some((pull) => pull.number === Number(number));
  const [scheme, token] = (incoming.headers.get("authorization") ?? "").split(" ");
  const user = world.tokenMap.get(token);
  if (!isPull || !user?.installation) return headers;
  const { permissions } = user.installation;
  const installation = { ...user.installation, permissions: { ...permissions, issues: permissions.issues ?? permissions.pull_requests } };
  world.tokenMap.set(`${token}-twin`, { ...user, installation });
  headers.set("authorization", `${scheme} ${token}-twin`);
  return headers;
}
