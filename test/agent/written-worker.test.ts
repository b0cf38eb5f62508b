import { expect, test } from "vitest";
import { readGoal } from "../../agent/planner/goal.ts";
import { writeWorker } from "../../agent/planner/worker/worker-source.ts";
import { memoryStore } from "./shop-double.ts";

/** The Worker that is written for a goal, run in this process with a store in memory. */
async function write(goal: string) {
  const { content, storage } = readGoal(goal);
  const source = Buffer.from(writeWorker({ content, storage, hostname: "nimbus.dev" }));
  const module = (await import(`data:text/javascript;base64,${source.toString("base64")}`)) as {
    default: { fetch(request: Request, env: unknown): Promise<Response> };
  };
  const env = { KV: memoryStore() };
  return (path: string, init: RequestInit = {}) =>
    module.default.fetch(new Request(`http://nimbus.dev${path}`, init), env);
}

const API = "Build an API that stores notes under /notes/<id>";
const json = (body: unknown) => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test("shows the words of a goal as words, whatever they look like", async () => {
  const text = "</title><script>alert(1)</script> ${'`'} \\u2028 & more";
  const get = await write(`A page for Nimbus Coffee that says "${text}"`);
  const page = await (await get("/")).text();
  expect(page).not.toContain("<script>");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).toContain("&amp; more");
});

test("a page needs nothing from elsewhere and may load nothing", async () => {
  const get = await write(
    "A page for Nimbus Coffee. Opening hours: 8-18. E-mail: hello@nimbus.dev",
  );
  const response = await get("/");
  const page = await response.text();
  expect(page).not.toMatch(/(src|href)="https?:/);
  expect(page).toContain("<dt>Opening hours</dt><dd>8-18</dd>");
  expect(page).toContain('href="mailto:hello@nimbus.dev"');
  expect(response.headers.get("content-security-policy")).toMatch(/default-src 'none'/);
});

test.each([
  ["/", "GET", 200],
  ["/", "HEAD", 200],
  ["/", "POST", 405],
  ["/elsewhere", "GET", 404],
])("a page's Worker answers %s %s with %i", async (path, method, status) => {
  const get = await write("A page for Nimbus Coffee");
  expect((await get(path, { method })).status).toBe(status);
});

test("an API gives back what was written, byte for byte and in its own type", async () => {
  const api = await write(API);
  await api("/notes/1", {
    method: "PUT",
    body: "Grüezi ☕",
    headers: { "content-type": "text/plain" },
  });
  await api("/notes/2", { method: "PUT", ...json({ a: [1, 2] }) });
  expect(await (await api("/notes/1")).text()).toBe("Grüezi ☕");
  const second = await api("/notes/2");
  expect(second.headers.get("content-type")).toBe("application/json");
  expect(await second.json()).toEqual({ a: [1, 2] });
});

test("an API makes a key where none is given, and lists what there is", async () => {
  const api = await write(API);
  const made = await api("/notes", { method: "POST", ...json({ text: "one" }) });
  expect(made.status).toBe(201);
  const { id } = (await made.json()) as { id: string };
  expect(made.headers.get("location")).toBe(`/notes/${id}`);
  expect(await (await api("/notes")).json()).toEqual({
    items: [{ key: id, value: { text: "one" } }],
    complete: true,
  });
});

test.each([
  ["a key that holds nothing", "/notes/none", { method: "GET" }, 404],
  ["a key longer than KV takes", `/notes/${"k".repeat(513)}`, { method: "PUT", body: "x" }, 414],
  [
    "a body larger than a megabyte",
    "/notes/1",
    { method: "PUT", body: "x".repeat(1024 * 1024 + 1) },
    413,
  ],
  [
    "JSON that is none",
    "/notes/1",
    { method: "PUT", headers: { "content-type": "application/json" }, body: "{" },
    400,
  ],
  ["a path that cannot be decoded", "/notes/%E0%A4%A", { method: "GET" }, 400],
  ["a method that it has not", "/notes/1", { method: "PATCH" }, 405],
  ["deleting a whole collection", "/notes", { method: "DELETE" }, 405],
] as const)("an API refuses %s", async (_, path, init, status) => {
  const api = await write(API);
  expect((await api(path, init)).status).toBe(status);
});

test("what was removed is gone", async () => {
  const api = await write(API);
  await api("/notes/1", { method: "PUT", body: "x" });
  expect((await api("/notes/1", { method: "DELETE" })).status).toBe(204);
  expect((await api("/notes/1")).status).toBe(404);
});

test("what visitors stored never runs as a page of the site", async () => {
  const api = await write(API);
  const headers = { "content-type": "text/html" };
  await api("/notes/1", { method: "PUT", body: "<script>alert(1)</script>", headers });
  expect((await api("/notes/1")).headers.get("content-security-policy")).toBe("sandbox");
});

test("a counter counts visits, and asking for the number does not", async () => {
  const get = await write("Create a page with a visit counter");
  await get("/");
  expect(await (await get("/")).text()).toContain("<p>2</p>");
  await get("/", { method: "HEAD" });
  expect(await (await get("/counter")).json()).toEqual({ count: 2 });
});

test("a guestbook has a form, and shows entries as text", async () => {
  const get = await write("A guestbook for Ada's Wedding");
  const page = await (await get("/")).text();
  expect(page).toContain("<form>");
  expect(page).toContain("textContent");
  expect(page).not.toContain("innerHTML");
});
