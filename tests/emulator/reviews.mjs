// Reactions, and replies to review comments.

import { json } from "./extension.mjs";

export function routes(world) {
  return [
    ["POST", "/repos/:owner/:repo/issues/comments/:id/reactions", (c) => react(world, c)],
    ["GET", "/repos/:owner/:repo/issues/comments/:id/reactions", (c) => json(reactions(world, c.req.param("id")))],
    ["POST", "/repos/:owner/:repo/pulls/:number/comments/:id/replies", (c) => reply(world, c)],
  ];
}

const reactions = (world, id) => world.reactions.filter((reaction) => reaction.comment === Number(id)).map(({ shown }) => shown);

// One of a kind from each: the second one is answered 200 with the first.
async function react(world, c) {
  const token = c.req.header("authorization");
  const found = await world.api(`/repos/${c.req.param("owner")}/${c.req.param("repo")}/issues/comments/${c.req.param("id")}`, token);
  if (!found.ok) return found;
  const { content } = await c.req.json();
  const user = actor(world, c.get("authUser"));
  const comment = Number(c.req.param("id"));
  const before = world.reactions.find((each) => each.comment === comment && each.shown.content === content && each.shown.user.login === user.login);
  if (before) return json(before.shown);
  const id = world.reactions.length + 1;
  const { login, id: userId, node_id = "U_1", type = "Bot" } = user;
  const shown = { id, node_id: `R_${id}`, content, created_at: new Date().toISOString(), user: { login, id: userId, node_id, type } };
  world.reactions.push({ comment, shown });
  return json(shown, 201);
}

// An App acts as its bot.
function actor(world, user) {
  const app = user.installation && world.gh.apps.all().find((candidate) => candidate.app_id === user.installation.appId);
  return app ? { login: `${app.slug}[bot]`, id: app.app_id, node_id: "BOT_1", type: "Bot" } : user;
}

// Only to the first comment of a thread.
async function reply(world, c) {
  const [comment, number] = [world.gh.comments.get(Number(c.req.param("id"))), Number(c.req.param("number"))];
  if (!comment || comment.pull_number !== number || comment.in_reply_to_id) return json({ message: "Not Found" }, 404);
  const { body } = await c.req.json();
  const sent = { body, in_reply_to_id: comment.id, path: comment.path, line: comment.line, side: comment.side, commit_id: comment.commit_sha };
  const where = `/repos/${c.req.param("owner")}/${c.req.param("repo")}/pulls/${number}/comments`;
  return world.api(where, c.req.header("authorization"), { method: "POST", body: JSON.stringify(sent) });
}
