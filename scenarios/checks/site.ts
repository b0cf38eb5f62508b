/**
 * Looks at the site from outside, as any visitor would: the requests that the scenario names, in order. The URL must be one
 * that a provider serves for this run's own account; a URL that the agent only claims is not fetched.
 */
import type { Check } from "../run/run-result.ts";
import type { UrlCheck } from "../format/scenario.ts";
import type { Evidence } from "./evidence.ts";

/** The name of the check that fails where there is no site of the run's own to look at. */
export const NO_SITE = "url";

const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 1024 * 1024;
const DEFAULT: UrlCheck = {
  method: "GET",
  path: "/",
  status: [200],
  contains: [],
  lacks: [],
};

export async function checkSite(evidence: Evidence): Promise<Check[]> {
  const { scenario, site, ownSites } = evidence;
  const requests = scenario.expect.url ?? (scenario.expect.outcome === "live" ? [DEFAULT] : []);
  if (requests.length === 0) return [];
  if (site === null) return [{ name: NO_SITE, passed: false, detail: "There is no live URL." }];
  if (!ownSites.includes(new URL(site.url).origin)) {
    return [
      {
        name: NO_SITE,
        passed: false,
        detail: `${site.url} is not a site that a provider serves for this run's account.`,
      },
    ];
  }
  const checks: Check[] = [];
  for (const request of requests) checks.push(await checkRequest(request, site.url, evidence));
  return checks;
}

async function checkRequest(
  { method, path, body, type, status, contains, lacks }: UrlCheck,
  base: string,
  { fetch }: Evidence,
): Promise<Check> {
  const name = `url ${method} ${path}`;
  const url = new URL(path, base);
  // "//host" and the like must not lead the check away from the site.
  if (url.origin !== new URL(base).origin) {
    return { name, passed: false, detail: `${path} leads away from ${base}.` };
  }
  try {
    const response = await fetch(url, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { "content-type": type } }),
    });
    const text = await readText(response);
    const wrong = [
      ...(status.includes(response.status) ? [] : [`wanted status ${status.join(" or ")}`]),
      ...contains.filter((part) => !text.includes(part)).map((part) => `"${part}" is missing`),
      ...lacks.filter((part) => text.includes(part)).map((part) => `"${part}" is there`),
    ];
    const seen = `${url.href} answered ${response.status}`;
    return {
      name,
      passed: wrong.length === 0,
      detail: `${seen}${wrong.length === 0 ? describeFound(contains) : `; ${wrong.join("; ")}`}.`,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, passed: false, detail: `${url.href} did not answer: ${why}.` };
  }
}

function describeFound(contains: readonly string[]): string {
  return contains.length === 0 ? "" : ` with ${contains.map((part) => `"${part}"`).join(", ")}`;
}

/** The body's text up to a limit: a site must not be able to fill our memory. */
async function readText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > MAX_BODY_BYTES) break;
  }
  return text + decoder.decode();
}
