/**
 * A program that runs a scenario and kills itself with SIGKILL at a named point: at the request (or the answer) of one of the
 * HTTP calls between the parties, by `fetch` or by `node:http`. Arguments: the run's folder, the point. Nothing of it can clean up,
 * as in a power cut.
 */
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { prepareRun, readScenario, runScenario, scriptedHuman } from "../../scenarios/index.ts";

interface Point {
  method: string;
  path: RegExp;
  /** Before the request is sent, or after its answer came. */
  when: "request" | "answer";
}

/** In the order in which a run comes to them. */
export const POINTS: Readonly<Record<string, Point>> = {
  "the chain has begun, and the world is half open": {
    method: "POST",
    path: /^\/$/,
    when: "answer",
  },
  "the account is made, and nobody knows yet": {
    method: "POST",
    path: /\/provisioning\/account_requests$/,
    when: "answer",
  },
  "the payment is signed and handed out, and not yet sent": {
    method: "POST",
    path: /\/v1\/purchases$/,
    when: "answer",
  },
  "the provider has the payment, and has not settled it": {
    method: "POST",
    path: /\/settle$/,
    when: "request",
  },
  "the payment is settled, and the provider does not know yet": {
    method: "POST",
    path: /\/settle$/,
    when: "answer",
  },
  "the domain is registered, and the wallet does not know yet": {
    method: "POST",
    path: /\/v1\/purchases\/[^/]+\/outcome$/,
    when: "request",
  },
  "the Worker is about to be uploaded": {
    method: "PUT",
    path: /\/workers\/scripts\/[^/]+$/,
    when: "request",
  },
  "the Worker is uploaded, and has no domain": {
    method: "PUT",
    path: /\/workers\/domains$/,
    when: "request",
  },
};

const [dir, name] = process.argv.slice(2);
if (dir !== undefined && name !== undefined) {
  const point = POINTS[name];
  if (!point) throw new TypeError(`no point "${name}"`);
  const comesTo = (when: Point["when"], method: string | undefined, url: string | URL) => {
    const hit = method === point.method && point.path.test(new URL(url).pathname);
    if (hit && point.when === when) process.kill(process.pid, "SIGKILL");
  };
  const original = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    comesTo("request", request.method, request.url);
    const response = await original(input, init);
    comesTo("answer", request.method, request.url);
    return response;
  };
  const plain = http.request;
  http.request = ((url: unknown, options: http.RequestOptions, answered: () => void) => {
    if (!(url instanceof URL)) return plain(url as string, options, answered);
    comesTo("request", options.method, url);
    const sent = plain(url, options, answered);
    return sent.prependOnceListener("response", () => comesTo("answer", options.method, url));
  }) as typeof http.request;
  syncBuiltinESMExports();
  const scenario = await readScenario("scenarios/landing-page.md");
  const request = await prepareRun({ scenario, env: {}, dir, human: scriptedHuman({}) });
  await runScenario(request);
  process.exit(1); // It never came to the point.
}
