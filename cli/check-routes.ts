/** `purser check --openapi`: every paid operation of a document, one after the other, as one report. */
import {
  check,
  type CheckOptions,
  fetchText,
  mergeReports,
  paidRoutes,
  type Report,
  type Route,
} from "../conformance/index.ts";
import { readPath } from "./arguments.ts";
import { readGivenFile } from "./given-file.ts";

/** The document from a file or a URL, and its paid operations at the server that is tested. */
export async function readRoutes(
  source: string,
  { url, allowPrivate, cwd }: Pick<CheckOptions, "url" | "allowPrivate"> & { cwd: string },
): Promise<Route[]> {
  const text = /^https?:/.test(source)
    ? await fetchText({ url: source, allowPrivate })
    : readGivenFile(readPath(source, cwd), "Give the path or the URL of an OpenAPI document.");
  return paidRoutes(text, url);
}

export async function checkRoutes(
  routes: readonly Route[],
  options: CheckOptions,
  note: (line: string) => void,
): Promise<Report> {
  const reports: Report[] = [];
  for (const { method, url, body } of routes) {
    note(`${method} ${url}`);
    const headers = options.headers ?? [];
    const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
    const type = body === undefined || typed ? [] : [["Content-Type", "application/json"] as const];
    const other = routes.find((route) => route.method === method && route.url !== url);
    const sibling = options.expect?.sibling ?? (other && pathOf(other.url));
    const expect = { ...options.expect, sibling };
    reports.push(
      await check({ ...options, method, url, body, headers: [...headers, ...type], expect }),
    );
  }
  return mergeReports(reports, options.url);
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
