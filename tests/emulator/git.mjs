// Tarballs, changed files, and merges that look at the trees.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { json } from "./extension.mjs";

const links = new Map(); // one-time token of a tarball -> {sha, repo, tree}

export function routes(world) {
  return [
    ["GET", "/repos/:owner/:repo/tarball/:ref{.+}", (c) => tarball(world, c)],
    ["GET", "/repos/:owner/:repo/pulls/:number/files", (c) => compared(world, c, "files")],
    ["GET", "/repos/:owner/:repo/pulls/:number/commits", (c) => compared(world, c, "commits")],
    ["PUT", "/repos/:owner/:repo/pulls/:number/merge", (c) => merge(world, c)],
  ];
}

async function tarball(world, c) {
  const repo = `${c.req.param("owner")}/${c.req.param("repo")}`;
  const tree = await tree_of(world, repo, c.req.param("ref"), c.req.header("authorization"));
  if (!tree) return json({ message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" }, 404);
  const token = randomBytes(16).toString("hex");
  links.set(token, { repo, tree, ref: c.req.param("ref") });
  return new Response(null, { status: 302, headers: { location: `${world.baseUrl}/_codeload/${repo}/legacy.tar.gz?token=${token}` } });
}

// The second hop takes its own token; an Authorization header here is a leak of the caller's.
export function codeload(world, incoming, url) {
  const found = links.get(url.searchParams.get("token"));
  if (!found || incoming.headers.get("authorization")) return new Response("400: Invalid request", { status: 400 });
  const root = `${found.repo.replace("/", "-")}-${found.ref.slice(0, 7)}/`;
  const repo = world.gh.repos.findOneBy("full_name", found.repo);
  const parts = [member(root, "0000775", "5", Buffer.alloc(0))];
  for (const entry of found.tree.filter((candidate) => candidate.type === "blob")) {
    const content = bytes(world, repo, entry.sha);
    if (entry.mode === "120000") parts.push(member(root + entry.path, "0000777", "2", Buffer.alloc(0), content.toString()));
    else parts.push(member(root + entry.path, entry.mode === "100755" ? "0000775" : "0000664", "0", content));
  }
  return new Response(gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)])), { headers: { "content-type": "application/x-gzip" } });
}

function member(name, mode, type, content, target = "") {
  const header = Buffer.alloc(512);
  const cut = Buffer.byteLength(name) > 100 ? name.lastIndexOf("/", 154) : -1;
  header.write(name.slice(cut + 1), 0, 100);
  header.write([mode, "0000000", "0000000", ""].join("\x00"), 100); // mode, owner, group
  header.write([content.length.toString(8).padStart(11, "0"), "0".repeat(11), ""].join("\x00"), 124); // size, time
  header.write(" ".repeat(8) + type, 148); // the sum counts its own place as blanks
  header.write(target, 157, 100);
  header.write("ustar\x00" + "00", 257);
  if (cut >= 0) header.write(name.slice(0, cut), 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\x00 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

async function compared(world, c, what) {
  const repo = `${c.req.param("owner")}/${c.req.param("repo")}`;
  const token = c.req.header("authorization");
  const response = await world.api(`/repos/${repo}/pulls/${c.req.param("number")}`, token);
  if (!response.ok) return response;
  const pull = await response.json();
  return json((await compare(world, repo, pull, token))[what] ?? []);
}

export async function compare(world, repo, pull, token) {
  return (await world.api(`/repos/${repo}/compare/${pull.base.sha}...${pull.head.sha}`, token)).json();
}

async function merge(world, c) {
  const name = `${c.req.param("owner")}/${c.req.param("repo")}`;
  const token = c.req.header("authorization");
  const read = async (where, init) => (await world.api(`/repos/${name}/${where}`, token, init)).json();
  const send = (where, method, value) => read(where, { method, body: JSON.stringify(value) });
  const pull = await read(`pulls/${c.req.param("number")}`);
  const wanted = await c.req.json().catch(() => ({}));
  if (!pull.number) return json({ message: "Not Found" }, 404);
  if (pull.state !== "open" || pull.draft) return json({ message: pull.draft ? "Pull Request is still a draft" : "Pull Request is not mergeable" }, 405);
  if (wanted.sha && wanted.sha !== pull.head.sha) return json({ message: "Head branch was modified. Review and try the merge again." }, 409);

  const base = (await read(`git/ref/heads/${pull.base.ref}`)).object.sha;
  const common = (await read(`compare/${base}...${pull.head.sha}`)).merge_base_commit.sha;
  const trees = await Promise.all([common, base, pull.head.sha].map((sha) => tree_of(world, name, sha, token)));
  const updates = threeWay(world, world.gh.repos.findOneBy("full_name", name), trees);
  if (!updates) return json({ message: "Pull Request is not mergeable" }, 405);

  const tree = updates.length ? await send("git/trees", "POST", { base_tree: (await read(`git/commits/${base}`)).tree.sha, tree: updates }) : null;
  const parents = wanted.merge_method === "squash" ? [base] : [base, pull.head.sha];
  const message = wanted.commit_title ?? `Merge pull request #${pull.number} from ${pull.head.label.replace(":", "/")}`;
  const treeSha = tree?.sha ?? (await read(`git/commits/${base}`)).tree.sha;
  const commit = await send("git/commits", "POST", { message, tree: treeSha, parents });
  if (!commit.sha) return json({ message: commit.message ?? "Could not merge" }, 403);
  close(world, name, pull.number, commit.sha, token);
  await send(`git/refs/heads/${pull.base.ref}`, "PATCH", { sha: commit.sha });
  const merged = await read(`pulls/${pull.number}`);
  world.webhooks.dispatch("pull_request", "closed", { action: "closed", pull_request: merged, repository: merged.base.repo, sender: merged.merged_by }, ...name.split("/"));
  return json({ sha: commit.sha, merged: true, message: "Pull Request successfully merged" });
}

function close(world, name, number, sha, token) {
  const repo = world.gh.repos.findOneBy("full_name", name);
  const login = world.tokenMap.get(token.replace(/^\S+\s+/, ""))?.login;
  const user = world.gh.users.findOneBy("login", login);
  const now = new Date().toISOString();
  const same = (row) => row.repo_id === repo.id && row.number === number;
  const pull = world.gh.pullRequests.all().find(same);
  world.gh.pullRequests.update(pull.id, { merged: true, merged_at: now, merged_by_id: user?.id ?? null, merge_commit_sha: sha, state: "closed", closed_at: now });
  const issue = world.gh.issues.all().find(same);
  world.gh.issues.update(issue.id, { state: "closed", closed_at: now });
}

// Return what differs from our tree after the merge, or null on a conflict.
function threeWay(world, repo, [common, ours, theirs]) {
  const at = [common, ours, theirs].map((tree) => new Map(tree.filter((e) => e.type !== "tree").map((e) => [e.path, e])));
  const updates = [];
  for (const where of new Set([...at[0].keys(), ...at[2].keys()])) {
    const [old, mine, yours] = at.map((tree) => tree.get(where));
    if (old?.sha === yours?.sha && old?.mode === yours?.mode) continue;
    if (mine?.sha === yours?.sha) continue;
    const kept = { path: where, mode: (yours ?? old).mode, type: "blob" };
    if (old?.sha === mine?.sha) updates.push({ ...kept, sha: yours?.sha ?? null });
    else {
      const text = old && mine && yours && mergeText(...[mine, old, yours].map((e) => bytes(world, repo, e.sha)));
      if (typeof text !== "string") return null;
      updates.push({ ...kept, content: text });
    }
  }
  return updates;
}

function mergeText(mine, old, yours) {
  const folder = mkdtempSync(path.join(tmpdir(), "merge-"));
  try {
    const names = [mine, old, yours].map((content, i) => {
      const file = path.join(folder, String(i));
      writeFileSync(file, content);
      return file;
    });
    return execFileSync("git", ["merge-file", "-p", ...names], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return null; // git merge-file ends with the number of conflicts
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function tree_of(world, repo, ref, token) {
  const response = await world.api(`/repos/${repo}/git/trees/${ref}?recursive=1`, token);
  return response.ok ? (await response.json()).tree : null;
}

function bytes(world, repo, sha) {
  const blob = world.gh.blobs.findBy("repo_id", repo.id).find((candidate) => candidate.sha === sha);
  return Buffer.from(blob.content, blob.encoding === "base64" ? "base64" : "utf8");
}

// Git has no empty folders; the emulator leaves one behind when the last file of a folder goes.
export async function prune(world, name, tree, token) {
  const leaves = await tree_of(world, name, tree.sha, token);
  const empty = leaves.filter((entry) => entry.sha === "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  if (empty.length === 0) return tree;
  const items = empty.map(({ path: where, mode, type }) => ({ path: where, mode, type, sha: null }));
  const body = JSON.stringify({ base_tree: tree.sha, tree: items });
  return prune(world, name, await (await world.api(`/repos/${name}/git/trees`, token, { method: "POST", body })).json(), token);
}
