/**
 * The Worker that the planner writes: one ES module that serves the page, and where the goal wants storage a small JSON API
 * over `env.KV`. Any text of the goal enters it as JSON, never as code.
 */
import type { StorageWish } from "../goal-storage.ts";
import { COUNT_MARK, type PageOptions, writePage } from "./page.ts";

export function writeWorker(options: PageOptions): string {
  const page = `const PAGE = ${JSON.stringify(writePage(options))};\n`;
  return options.storage ? page + storageWorker(options.storage) : page + PAGE_WORKER;
}

const HEADERS = `
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
const isRead = (request) => request.method === "GET" || request.method === "HEAD";
`;

const PAGE_WORKER = `${HEADERS}
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/" && pathname !== "/index.html") return new Response("Not found\\n", { status: 404 });
    if (!isRead(request)) return new Response("Method not allowed\\n", { status: 405, headers: { allow: "GET, HEAD" } });
    return new Response(PAGE, { headers: HEADERS });
  },
};
`;

function storageWorker({ collections, counter }: StorageWish): string {
  return `const COLLECTIONS = ${JSON.stringify(collections)};
const COUNTS = ${counter};
const COUNT_MARK = ${JSON.stringify(COUNT_MARK)};
${HEADERS}${API}`;
}

/**
 * A value is given back as it came, with its content type. Keys are paths, so every collection is a prefix. Limits are those
 * of Workers KV: 512 bytes of key; a value here is at most 1 MB, and a list names 100 keys.
 */
const API = `
const MAX_BYTES = 1024 * 1024;
const json = (body, status = 200, headers = {}) => Response.json(body, { status, headers });
const problem = (status, message, headers) => json({ error: message }, status, headers);

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    let path;
    try {
      path = decodeURIComponent(pathname).replace(/\\/+$/, "");
    } catch {
      return problem(400, "The path cannot be read.");
    }
    if (path === "" || path === "/index.html") return home(request, env);
    if (COUNTS && path === "/counter") return counter(request, env);
    if (path === "/favicon.ico" || path === "/robots.txt") return problem(404, "Not found.");
    const isCollection = COLLECTIONS.includes(path) || path.lastIndexOf("/") === 0;
    return isCollection ? collection(request, env, path) : item(request, env, path);
  },
};

async function home(request, env) {
  if (!isRead(request)) return problem(405, "Method not allowed.", { allow: "GET, HEAD" });
  if (!COUNTS) return new Response(PAGE, { headers: HEADERS });
  const count = request.method === "GET" ? await countUp(env) : await countOf(env);
  return new Response(PAGE.replace(COUNT_MARK, String(count)), { headers: { ...HEADERS, "cache-control": "no-store" } });
}

const countOf = async (env) => Number((await env.KV.get("/counter")) ?? "0");
async function countUp(env) {
  const count = (await countOf(env)) + 1;
  await env.KV.put("/counter", String(count));
  return count;
}

async function counter(request, env) {
  if (isRead(request)) return json({ count: await countOf(env) });
  if (request.method === "POST") return json({ count: await countUp(env) });
  return problem(405, "Method not allowed.", { allow: "GET, HEAD, POST" });
}

async function collection(request, env, path) {
  if (isRead(request)) {
    const { keys, list_complete: complete } = await env.KV.list({ prefix: path + "/", limit: 100 });
    const items = await Promise.all(keys.map(async ({ name }) => {
      const { value, metadata } = await env.KV.getWithMetadata(name);
      return { key: name.slice(path.length + 1), value: readValue(value, metadata?.type) };
    }));
    return json({ items: items.filter(({ value }) => value !== undefined), complete });
  }
  if (request.method !== "POST") return problem(405, "Method not allowed.", { allow: "GET, HEAD, POST" });
  // Keys sort by time; the random half keeps two posts of one millisecond apart.
  const key = Date.now().toString(36).padStart(9, "0") + crypto.randomUUID().slice(0, 8);
  const refused = await store(request, env, path + "/" + key);
  return refused ?? json({ id: key, key }, 201, { location: path + "/" + key });
}

async function item(request, env, path) {
  if (isRead(request)) {
    const { value, metadata } = await env.KV.getWithMetadata(path);
    if (value === null) return problem(404, "There is nothing under this key.");
    const type = metadata?.type ?? "text/plain; charset=utf-8";
    return new Response(value, { headers: { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff", "content-security-policy": "sandbox" } });
  }
  if (request.method === "PUT" || request.method === "POST") {
    const key = path.slice(path.lastIndexOf("/") + 1);
    return (await store(request, env, path)) ?? json({ id: key, key }, request.method === "PUT" ? 200 : 201);
  }
  if (request.method === "DELETE") {
    await env.KV.delete(path);
    return new Response(null, { status: 204 });
  }
  return problem(405, "Method not allowed.", { allow: "GET, HEAD, PUT, POST, DELETE" });
}

/** Stores the body, or answers why not. */
async function store(request, env, path) {
  if (new TextEncoder().encode(path).length > 512) return problem(414, "The key is longer than 512 bytes.");
  const value = await request.text();
  if (value.length > MAX_BYTES) return problem(413, "The body is larger than 1 MB.");
  const type = (request.headers.get("content-type") ?? "text/plain; charset=utf-8").slice(0, 100);
  if (/json/i.test(type)) {
    try {
      JSON.parse(value);
    } catch {
      return problem(400, "The body is not JSON.");
    }
  }
  await env.KV.put(path, value, { metadata: { type } });
}

function readValue(value, type) {
  if (value === null) return undefined;
  if (!/json/i.test(type ?? "")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
`;
