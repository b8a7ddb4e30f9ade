// What GitHub has in GraphQL alone: a draft becomes ready and back, a thread of a review is resolved and opened again.

import { json } from "./extension.mjs";
import { repositoryOf } from "./webhooks.mjs";

const CHANGES = {
  markPullRequestReadyForReview: (world, { pullRequestId }, user) => draft(world, pullRequestId, false, "ready_for_review", user),
  convertPullRequestToDraft: (world, { pullRequestId }, user) => draft(world, pullRequestId, true, "converted_to_draft", user),
  resolveReviewThread: (world, { threadId }, user) => thread(world, threadId, true, "resolved", user),
  unresolveReviewThread: (world, { threadId }, user) => thread(world, threadId, false, "unresolved", user),
};

export function routes(world) {
  return [["POST", "/graphql", (c) => answer(world, c)]];
}

// One change in a query, its input as the variable `input`.
async function answer(world, c) {
  const { query = "", variables = {} } = await c.req.json();
  const user = c.get("authUser");
  const name = Object.keys(CHANGES).find((each) => new RegExp(`\\b${each}\\s*\\(`).test(query));
  if (!user) return json({ message: "This endpoint requires you to be authenticated." }, 401);
  if (!name) return json({ errors: [{ type: "undefinedField", message: "not one of the changes that the tests' GitHub has" }] });
  const data = await CHANGES[name](world, variables.input ?? {}, user);
  if (data) return json({ data: { [name]: data } });
  return json({ data: { [name]: null }, errors: [{ type: "NOT_FOUND", path: [name], message: "Could not resolve to a node" }] });
}

async function draft(world, id, wanted, action, user) {
  const pull = world.gh.pullRequests.all().find((each) => each.node_id === id);
  if (!pull) return null;
  if (pull.draft !== wanted) {
    world.gh.pullRequests.update(pull.id, { draft: wanted });
    await tell(world, "pull_request", action, pull, user, {});
  }
  return { pullRequest: { id, isDraft: wanted } };
}

// A thread is named for the first comment in it.
async function thread(world, id, resolved, action, user) {
  const comment = world.gh.comments.all().find((each) => `PRRT_${each.id}` === id);
  const pull = comment && world.gh.pullRequests.findBy("repo_id", comment.repo_id).find((each) => each.number === comment.pull_number);
  if (!pull) return null;
  await tell(world, "pull_request_review_thread", action, pull, user, { thread: { node_id: id, comments: [] } });
  return { thread: { id, isResolved: resolved } };
}

async function tell(world, event, action, pull, user, said) {
  const repo = world.gh.repos.get(pull.repo_id);
  const token = `token ${[...world.tokenMap.keys()][0]}`;
  const shown = await (await world.api(`/repos/${repo.full_name}/pulls/${pull.number}`, token)).json();
  const sender = await (await world.api(`/users/${user.login}`, token)).json();
  const { login, id, node_id, type } = sender;
  const payload = { action, ...said, pull_request: shown, repository: repositoryOf(shown), sender: { login, id, node_id, type, site_admin: false } };
  await world.webhooks.dispatch(event, action, payload, ...repo.full_name.split("/"));
}
