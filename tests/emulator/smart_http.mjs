// git clone, fetch and push: git's own server on a bare mirror whose objects are, byte for byte, the emulator's.

import { spawn, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";

const ROUTE = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const ROOT = mkdtempSync(path.join(tmpdir(), "emulated-git-"));
process.on("exit", () => rmSync(ROOT, { recursive: true, force: true }));
const GIT = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };

export const isGit = (url) => ROUTE.test(url.pathname) && !url.pathname.startsWith("/repos/");

export async function serveGit(world, incoming, url) {
  const [, name, service] = ROUTE.exec(url.pathname);
  const repo = world.gh.repos.findOneBy("full_name", name);
  const token = passwordOf(incoming);
  const writes = (url.searchParams.get("service") ?? service) === "git-receive-pack";
  if (token && !world.tokenMap.has(token)) return plain("Invalid username or token.", 401);
  if (!token && (writes || !repo || repo.private)) return plain("Authentication required", 401);
  if (!repo || !(await world.api(`/repos/${name}`, token && `token ${token}`)).ok) return plain("Repository not found.", 404);
  if (writes && !(await mayWrite(world, name, token))) return plain(`Permission to ${name}.git denied.`, 403);
  const mirror = mirrorOf(world, repo);
  const answer = await backend(mirror, incoming, url, service);
  if (service === "git-receive-pack") await takeOver(world, repo, mirror, token);
  return answer;
}

// `x-access-token:TOKEN`, or whatever name with a token as its password.
function passwordOf(incoming) {
  const [, coded] = /^Basic (.+)$/i.exec(incoming.headers.get("authorization") ?? "") ?? [];
  return coded ? Buffer.from(coded, "base64").toString().split(":").slice(1).join(":") : "";
}

async function mayWrite(world, name, token) {
  const user = world.tokenMap.get(token);
  if (user.installation) return user.installation.permissions.contents === "write";
  const asked = await world.api(`/repos/${name}/collaborators/${user.login}/permission`, `token ${token}`);
  return asked.ok && ["admin", "maintain", "write", "push"].includes((await asked.json()).permission);
}

const git = (folder, ...words) => execFileSync("git", ["-C", folder, ...words], { encoding: "buffer", env: GIT, maxBuffer: 1 << 28 });

function mirrorOf(world, repo) {
  const folder = path.join(ROOT, `${repo.id}.git`);
  if (!existsSync(folder)) {
    execFileSync("git", ["init", "-q", "--bare", "-b", repo.default_branch, folder], { env: GIT });
    git(folder, "config", "http.receivepack", "true");
  }
  for (const [type, sha, content] of objects(world, repo)) writeObject(folder, type, sha, content);
  const refs = world.gh.refs.findBy("repo_id", repo.id);
  const gone = lines(git(folder, "for-each-ref", "--format=%(refname)")).filter((name) => !refs.some((ref) => ref.ref === name));
  const orders = [...refs.map((ref) => `update ${ref.ref} ${ref.sha}\n`), ...gone.map((name) => `delete ${name}\n`)].join("");
  execFileSync("git", ["-C", folder, "update-ref", "--stdin"], { input: orders, env: GIT });
  return folder;
}

function* objects(world, { id }) {
  for (const blob of world.gh.blobs.findBy("repo_id", id)) yield ["blob", blob.sha, Buffer.from(blob.content, blob.encoding === "base64" ? "base64" : "utf8")];
  for (const tree of world.gh.trees.findBy("repo_id", id)) yield ["tree", tree.sha, treeBytes(tree.tree)];
  for (const commit of world.gh.commits.findBy("repo_id", id)) yield ["commit", commit.sha, commitBytes(commit)];
}

function treeBytes(entries) {
  const key = ({ path: name, type }) => Buffer.from(type === "tree" ? `${name}/` : name);
  const sorted = [...entries].sort((a, b) => Buffer.compare(key(a), key(b)));
  return Buffer.concat(sorted.flatMap(({ mode, path: name, sha }) => [Buffer.from(`${mode.replace(/^0+/, "")} ${name}\0`), Buffer.from(sha, "hex")]));
}

function commitBytes(row) {
  if (row.bytes) return Buffer.from(row.bytes, "base64");
  const when = (date) => {
    const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})$/.exec(date) ?? [null, "+", "00", "00"];
    return `${Math.floor(Date.parse(date) / 1000)} ${sign}${hours}${minutes}`;
  };
  const who = (role) => `${role} ${row[`${role}_name`]} <${row[`${role}_email`]}> ${when(row[`${role}_date`])}`;
  const head = [`tree ${row.tree_sha}`, ...row.parent_shas.map((sha) => `parent ${sha}`), who("author"), who("committer")];
  return Buffer.from(`${head.join("\n")}\n\n${row.message.endsWith("\n") ? row.message : `${row.message}\n`}`);
}

function writeObject(folder, type, sha, content) {
  const file = path.join(folder, "objects", sha.slice(0, 2), sha.slice(2));
  if (existsSync(file)) return;
  const whole = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  if (createHash("sha1").update(whole).digest("hex") !== sha) throw new Error(`${type} ${sha} cannot be written as the emulator hashed it`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, deflateSync(whole));
}

async function backend(folder, incoming, url, service) {
  const environment = {
    ...GIT, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: `/${service}`, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: incoming.method,
    CONTENT_TYPE: incoming.headers.get("content-type") ?? "", HTTP_CONTENT_ENCODING: incoming.headers.get("content-encoding") ?? "",
    GIT_PROTOCOL: incoming.headers.get("git-protocol") ?? "", REMOTE_USER: "git", REMOTE_ADDR: "127.0.0.1",
  };
  const child = spawn("git", ["http-backend"], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {}); // it may have answered before it has read all
  child.stdin.end(Buffer.from(await incoming.arrayBuffer()));
  const parts = [];
  for await (const part of child.stdout) parts.push(part);
  const whole = Buffer.concat(parts);
  const end = whole.indexOf("\r\n\r\n");
  const headers = new Headers(lines(whole.subarray(0, end)).map((line) => line.split(/:\s*/, 2)));
  const status = Number.parseInt(headers.get("status") ?? "200", 10);
  headers.delete("status");
  return new Response(whole.subarray(end + 4), { status, headers });
}

// Bring what was pushed into the emulator, whose own routes move the branches: so the webhooks go out.
async function takeOver(world, repo, folder, token) {
  const known = new Set([...objects(world, repo)].map(([, sha]) => sha));
  for (const sha of lines(git(folder, "rev-list", "--objects", "--all")).map((line) => line.slice(0, 40))) {
    if (!known.has(sha)) keep(world, repo, folder, sha);
  }
  const before = new Map(world.gh.refs.findBy("repo_id", repo.id).map((ref) => [ref.ref, ref.sha]));
  const after = new Map(lines(git(folder, "for-each-ref", "--format=%(refname) %(objectname)")).map((line) => line.split(" ")));
  const ask = (method, where, body) => world.api(`/repos/${repo.full_name}/git/${where}`, `token ${token}`, { method, body: body && JSON.stringify(body) });
  for (const [ref, sha] of after) {
    if (!before.has(ref)) await ask("POST", "refs", { ref, sha });
    else if (before.get(ref) !== sha) await ask("PATCH", ref, { sha, force: true });
  }
  for (const ref of before.keys()) if (!after.has(ref)) await ask("DELETE", ref);
}

function keep(world, { id: repo_id }, folder, sha) {
  const type = git(folder, "cat-file", "-t", sha).toString().trim();
  const bytes = git(folder, "cat-file", type, sha);
  const row = { repo_id, sha, node_id: `${type}_${sha}` };
  if (type === "blob") world.gh.blobs.insert({ ...row, content: bytes.toString("base64"), encoding: "base64", size: bytes.length });
  if (type === "tree") world.gh.trees.insert({ ...row, tree: listed(git(folder, "ls-tree", "-z", sha)), truncated: false });
  if (type === "commit") world.gh.commits.insert({ ...row, ...said(bytes.toString()), bytes: bytes.toString("base64") });
}

function listed(output) {
  return output.toString().split("\0").filter(Boolean).map((line) => {
    const [about, name] = line.split("\t");
    const [mode, type, sha] = about.split(" ");
    return { path: name, mode, type, sha };
  });
}

function said(text) {
  const [head, message] = [text.slice(0, text.indexOf("\n\n")), text.slice(text.indexOf("\n\n") + 2)];
  const all = (name) => lines(head).filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const found = { tree_sha: all("tree")[0], parent_shas: all("parent"), message };
  for (const role of ["author", "committer"]) {
    const [, name, email, seconds] = /^(.*) <(.*)> (\d+) /.exec(all(role)[0]);
    Object.assign(found, { [`${role}_name`]: name, [`${role}_email`]: email, [`${role}_date`]: new Date(seconds * 1000).toISOString() });
  }
  return found;
}

const lines = (text) => text.toString().split(/\r?\n/).filter(Boolean);

function plain(words, status) {
  return new Response(words, { status, headers: { "content-type": "text/plain", ...(status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {}) } });
}
