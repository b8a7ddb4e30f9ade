// Deployments and their states; the emulator has none.

import { json } from "./extension.mjs";

const deployments = []; // as GitHub shows them, with `repo`

export function routes(world) {
  return [
    ["POST", "/repos/:owner/:repo/deployments", (c) => deploy(world, c)],
    ["POST", "/repos/:owner/:repo/deployments/:id/statuses", (c) => report(world, c)],
  ];
}

async function context(world, c) {
  const name = `${c.req.param("owner")}/${c.req.param("repo")}`;
  const token = c.req.header("authorization");
  const found = await world.api(`/repos/${name}`, token);
  const user = c.get("authUser");
  const sender = user && (await (await world.api(`/users/${user.login}`, token)).json());
  return found.ok && sender?.login ? { name, repository: await found.json(), sender: brief(sender), body: await c.req.json(), token } : null;
}

const brief = ({ login, id, node_id, type }) => ({ login, id, node_id, type, site_admin: false });

async function deploy(world, c) {
  const at = await context(world, c);
  const commit = at && (await world.api(`/repos/${at.name}/commits/${at.body.ref}`, at.token));
  if (!commit?.ok) return json({ message: `No ref found for: ${at?.body.ref}` }, at ? 422 : 404);
  const { ref, task = "deploy", environment = "production", description = null, payload = {} } = at.body;
  const id = deployments.length + 1;
  const url = `${world.baseUrl}/repos/${at.name}/deployments/${id}`;
  const now = new Date().toISOString();
  const shown = {
    url, id, node_id: `DE_${id}`, sha: (await commit.json()).sha, ref, task, payload, original_environment: environment, environment,
    transient_environment: false, production_environment: at.body.production_environment ?? environment === "production", description,
    creator: at.sender, created_at: now, updated_at: now, statuses_url: `${url}/statuses`, repository_url: `${world.baseUrl}/repos/${at.name}`,
  };
  deployments.push({ repo: at.name, shown });
  return json(shown, 201);
}

async function report(world, c) {
  const at = await context(world, c);
  const found = at && deployments.find((each) => each.repo === at.name && String(each.shown.id) === c.req.param("id"));
  if (!found) return json({ message: "Not Found" }, 404);
  const { state, description = "", target_url = "" } = at.body;
  const id = Date.now();
  const now = new Date().toISOString();
  const status = {
    url: `${found.shown.url}/statuses/${id}`, id, node_id: `DES_${id}`, state, creator: at.sender, description, environment: found.shown.environment,
    target_url, created_at: now, updated_at: now, deployment_url: found.shown.url, repository_url: found.shown.repository_url,
  };
  const payload = { action: "created", deployment_status: status, deployment: found.shown, repository: at.repository, sender: at.sender };
  world.webhooks.dispatch("deployment_status", "created", payload, ...at.name.split("/"));
  return json(status, 201);
}
