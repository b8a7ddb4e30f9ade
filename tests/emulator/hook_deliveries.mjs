// What GitHub remembers of the webhooks that it sent: a page of attempts, newest first, and each in full.

import { json } from "./extension.mjs";

export function routes(world) {
  return [
    ["GET", "/app/hook/deliveries", (c) => list(world, c)],
    ["GET", "/app/hook/deliveries/:id", (c) => one(world, c)],
  ];
}

function list(world, c) {
  if (!asApp(c)) return refused();
  const size = Number(c.req.query("per_page") ?? 30);
  const before = Number(c.req.query("cursor")?.slice(1) ?? Infinity);
  const page = world.deliveries.filter((delivery) => delivery.id < before).reverse().slice(0, size);
  const last = page.at(-1)?.id ?? 0;
  const next = `<${world.baseUrl}/app/hook/deliveries?per_page=${size}&cursor=v${last}>; rel="next"`;
  return json(page.map(shown), 200, last > 1 ? { link: next } : {});
}

function one(world, c) {
  if (!asApp(c)) return refused();
  const delivery = world.deliveries.find((candidate) => String(candidate.id) === c.req.param("id"));
  if (!delivery) return json({ message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" }, 404);
  const request = { headers: delivery.headers, payload: JSON.parse(delivery.body) };
  return json({ ...shown(delivery), url: delivery.url ?? "", request, response: { headers: {}, payload: "" } });
}

function shown({ id, at, event, action, headers, body, status }) {
  const payload = JSON.parse(body);
  const ok = typeof status === "number";
  return {
    id, guid: headers["x-github-delivery"], delivered_at: at, redelivery: false, duration: 0.1, event, action, throttled_at: null,
    status: ok ? (status < 300 ? "OK" : "Invalid HTTP Response") : "failed to connect to host", status_code: ok ? status : 502,
    installation_id: payload.installation?.id ?? null, repository_id: payload.repository?.id ?? null,
  };
}

const asApp = (c) => /^Bearer eyJ/.test(c.req.header("authorization") ?? "");
const refused = () => json({ message: "A JSON web token could not be decoded", documentation_url: "https://docs.github.com/rest", status: "401" }, 401);
