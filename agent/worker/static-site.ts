/**
 * A Worker that serves a folder's files, all carried inside its one module: right content types, `index.html` for folders,
 * clean URLs, the site's own `404.html`, and entity tags.
 */
import { createHash } from "node:crypto";
import { contentType } from "./content-type.ts";
import type { SiteFile } from "./site-folder.ts";

export function staticSiteWorker(files: readonly SiteFile[]): string {
  const table = files.map(({ path, content }) => [
    path,
    {
      type: contentType(path),
      tag: `"${createHash("sha256").update(content).digest("hex").slice(0, 32)}"`,
      body: content.toString("base64"),
    },
  ]);
  // Parsed as JSON at start: faster than a literal, and "__proto__" is only a name there.
  return `const FILES = new Map(JSON.parse(${JSON.stringify(JSON.stringify(table))}));\n${SERVE}`;
}

const SERVE = `
const bytesOf = (file) => (file.bytes ??= Uint8Array.from(atob(file.body), (c) => c.charCodeAt(0)));

function find(path) {
  if (path.endsWith("/")) return FILES.get(path + "index.html");
  return FILES.get(path) ?? FILES.get(path + ".html");
}

function answer(request, file, status) {
  const headers = {
    "content-type": file.type,
    etag: file.tag,
    "cache-control": "public, max-age=0, must-revalidate",
    "x-content-type-options": "nosniff",
  };
  if (status === 200 && request.headers.get("if-none-match") === file.tag) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : bytesOf(file), { status, headers });
}

export default {
  fetch(request) {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("Method not allowed\\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const url = new URL(request.url);
    let path;
    try {
      path = decodeURIComponent(url.pathname);
    } catch {
      return new Response("Bad request\\n", { status: 400 });
    }
    const file = find(path);
    if (file) return answer(request, file, 200);
    if (FILES.has(path + "/index.html")) {
      // Relative, so that the site may stand behind any host and port; "//" would name another host.
      const location = url.pathname.replace(/^\\/+/, "/") + "/" + url.search;
      return new Response(null, { status: 308, headers: { location } });
    }
    const missing = FILES.get("/404.html");
    return missing ? answer(request, missing, 404) : new Response("Not found\\n", { status: 404 });
  },
};
`;
