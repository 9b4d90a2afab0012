// What the peers share: options, the ready line, the control endpoint, and ending with the test.
import { once } from "node:events";
import { createServer } from "node:http";

const [, , ...given] = process.argv;

/** Ends this process when the test process that started it (with `--attached`) has gone. */
export function endWithParent() {
  if (!given.includes("--attached")) return;
  process.stdin.resume();
  for (const event of ["end", "close", "error"]) process.stdin.on(event, () => process.exit(0));
}

/** The options: one JSON object as first argument, laid over the defaults. */
export function options(defaults) {
  const json = given.find((argument) => argument.startsWith("{"));
  return { ...defaults, ...(json ? JSON.parse(json) : {}) };
}

/** Tells the test, in one line, that the peer answers and where. */
export function ready(facts) {
  console.log(JSON.stringify({ ready: true, ...facts }));
}

/** Listens on loopback alone; port 0 takes a free one. Returns the port. */
export async function listen(server, port) {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

export async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Answers `METHOD /path` by `handlers["METHOD /path"](body, query)`; what a handler returns is sent as JSON. */
export async function control(handlers, request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://peer");
  const handler = handlers[`${request.method} ${pathname}`];
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value ?? null));
  };
  if (!handler) return answer(404, { error: `no ${request.method} ${pathname}`, has: Object.keys(handlers) });
  try {
    const text = await bodyOf(request);
    answer(200, await handler(text ? JSON.parse(text) : undefined, searchParams));
  } catch (error) {
    answer(400, { error: String(error) });
  }
}

/** A server with nothing but a control endpoint. Returns its address. */
export async function controlServer(handlers, port = 0) {
  const server = createServer((request, response) => control(handlers, request, response));
  return `http://127.0.0.1:${await listen(server, port)}`;
}
