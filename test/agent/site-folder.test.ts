import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSiteFolder, SITE_LIMITS } from "../../agent/worker/site-folder.ts";
import { staticSiteWorker } from "../../agent/worker/static-site.ts";

let root: string;
let workspace: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "purser-site-"));
  workspace = join(root, "mine");
  await write("site/index.html", "<h1>Home</h1>");
});
afterEach(() => rm(root, { recursive: true }));

async function write(path: string, content: string | Uint8Array = "x"): Promise<void> {
  await mkdir(dirname(join(workspace, path)), { recursive: true });
  await writeFile(join(workspace, path), content);
}

/** Runs the written Worker in this process. */
async function serve(files: Record<string, string | Uint8Array>) {
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content as string),
  }));
  const source = Buffer.from(staticSiteWorker(entries)).toString("base64");
  const module = (await import(`data:text/javascript;base64,${source}`)) as {
    default: { fetch(request: Request): Response };
  };
  return (path: string, init: RequestInit = {}) =>
    module.default.fetch(new Request(`http://lumen.dev${path}`, init));
}

test("reads the files of a folder, and says what it leaves where it is", async () => {
  for (const path of [
    "site/a/b.css",
    "site/.env",
    "site/server.key",
    "site/node_modules/x/index.js",
  ])
    await write(path);
  await write("site/.well-known/security.txt");
  const { files, skipped } = await readSiteFolder({ workspace, folder: "site" });
  expect(files.map(({ path }) => path)).toEqual([
    "/.well-known/security.txt",
    "/a/b.css",
    "/index.html",
  ]);
  expect(skipped).toEqual(["/.env", "/node_modules", "/server.key"]);
});

test("takes the workspace itself when it is the folder that is named", async () => {
  const { files } = await readSiteFolder({ workspace: join(workspace, "site"), folder: "site" });
  expect(files.map(({ path }) => path)).toEqual(["/index.html"]);
});

test.each([
  ["..", "FOLDER_REFUSED"],
  ["../../etc", "FOLDER_REFUSED"],
  ["/etc", "FOLDER_REFUSED"],
  ["site/../../mine2", "FOLDER_REFUSED"],
  ["site/index.html", "FOLDER_REFUSED"],
  ["missing", "FOLDER_UNREADABLE"],
  ["site/\0", "FOLDER_UNREADABLE"],
])("refuses the folder %j with %s", async (folder, code) => {
  await mkdir(join(root, "mine2"));
  await expect(readSiteFolder({ workspace, folder })).rejects.toMatchObject({ code });
});

test.each([
  ["a link to a folder outside", "../..", "link"],
  ["a link to a folder inside", "site", "link"],
])("refuses to go through %s", async (_, target, name) => {
  await symlink(target, join(workspace, name));
  await expect(readSiteFolder({ workspace, folder: name })).rejects.toMatchObject({
    code: "FOLDER_REFUSED",
  });
  await expect(readSiteFolder({ workspace, folder: `${name}/x` })).rejects.toMatchObject({
    code: expect.stringMatching(/FOLDER_(REFUSED|UNREADABLE)/),
  });
});

test("refuses a link among the files", async () => {
  await symlink("/etc/passwd", join(workspace, "site/passwd.txt"));
  await expect(readSiteFolder({ workspace, folder: "site" })).rejects.toMatchObject({
    code: "FOLDER_REFUSED",
  });
});

test("refuses more bytes than a site may have", async () => {
  await write("site/big.bin", new Uint8Array(SITE_LIMITS.bytes));
  await expect(readSiteFolder({ workspace, folder: "site" })).rejects.toMatchObject({
    code: "FOLDER_TOO_LARGE",
  });
});

test("refuses more files than a site may have", async () => {
  for (let count = 0; count < SITE_LIMITS.files; count += 1) await write(`site/${count}.txt`);
  await expect(readSiteFolder({ workspace, folder: "site" })).rejects.toMatchObject({
    code: "FOLDER_TOO_LARGE",
  });
});

test("refuses a folder without an index.html, so that nobody deploys an empty front door", async () => {
  await write("other/a.txt");
  await expect(readSiteFolder({ workspace, folder: "other" })).rejects.toMatchObject({
    code: "FOLDER_UNREADABLE",
  });
});

test.each([
  ["/", 200, "text/html; charset=utf-8", "home"],
  ["/index.html", 200, "text/html; charset=utf-8", "home"],
  ["/about", 200, "text/html; charset=utf-8", "about"],
  ["/docs/", 200, "text/html; charset=utf-8", "docs"],
  ["/style.css", 200, "text/css; charset=utf-8", "p{}"],
  ["/caf%C3%A9.txt", 200, "text/plain; charset=utf-8", "crème"],
  ["/none", 404, "text/html; charset=utf-8", "lost"],
  ["/__proto__", 404, "text/html; charset=utf-8", "lost"],
])("serves %s", async (path, status, type, text) => {
  const get = await serve({
    "/index.html": "home",
    "/about.html": "about",
    "/docs/index.html": "docs",
    "/style.css": "p{}",
    "/café.txt": "crème",
    "/404.html": "lost",
  });
  const response = get(path);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe(type);
  expect(await response.text()).toBe(text);
});

test("gives binary files back byte for byte", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const get = await serve({ "/logo.png": bytes });
  expect(new Uint8Array(await get("/logo.png").arrayBuffer())).toEqual(bytes);
});

test("sends a folder's visitors to its slash, on the same host whatever the path says", async () => {
  const get = await serve({ "/docs/index.html": "docs", "//evil.example/index.html": "x" });
  expect(get("/docs?a=1").headers.get("location")).toBe("/docs/?a=1");
  expect(get("//evil.example").headers.get("location")).toBe("/evil.example/");
});

test("answers HEAD without a body, a known tag with 304, and other methods with 405", async () => {
  const get = await serve({ "/index.html": "home" });
  const head = get("/", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const tag = head.headers.get("etag") ?? "";
  expect(get("/", { headers: { "if-none-match": tag } }).status).toBe(304);
  expect(get("/", { method: "POST" }).status).toBe(405);
});
