/**
 * `/accounts/:account/workers`: at which hostnames a Worker answers: its subdomain of the account, and domains that the account
 * has registered. Mounted below the account. Beside Cloudflare's fields stands the URL that works on this machine.
 */
import express, { Router } from "express";
import { z } from "zod";
import { connectionOf } from "./account-scope.ts";
import { parseHostname } from "./domain-name.ts";
import { endpoint } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import { scriptKey } from "./script-key.ts";
import type { Site, Sites } from "./sites.ts";
import { accountSubdomain, type Workers } from "./workers.ts";

const Publish = z.looseObject({ enabled: z.boolean() });
const Attach = z.looseObject({ hostname: z.string(), service: z.string().max(100) });
const Origins = z.array(z.looseObject({ hostname: z.string() })).max(100);
const Records = z.looseObject({ origins: Origins });

export function hostnamesApi({ workers, sites }: { workers: Workers; sites: Sites }): Router {
  const router = Router({ mergeParams: true });
  const json = express.json();

  router.get(
    "/subdomain",
    endpoint((request) => ({ subdomain: accountSubdomain(connectionOf(request).accountId) })),
  );
  router.post(
    "/scripts/:name/subdomain",
    json,
    endpoint(async (request) => {
      const key = scriptKey(request);
      if (!readInput(Publish, request.body).enabled) {
        await workers.unpublish(key);
        return { enabled: false, previews_enabled: false };
      }
      const site = await workers.publish(key);
      return { enabled: true, previews_enabled: false, ...address(site) };
    }),
  );
  router.get(
    "/scripts/:name/subdomain",
    endpoint((request) => {
      const site = sites.find(workers.subdomainOf(workers.find(scriptKey(request))));
      return { enabled: site !== undefined, previews_enabled: false, ...(site && address(site)) };
    }),
  );
  router.put(
    "/domains",
    json,
    endpoint(async (request) => {
      const { hostname, service } = readInput(Attach, request.body);
      const { accountId } = connectionOf(request);
      const site = { accountId, name: service, hostname: readHostname(hostname) };
      return describeSite(await workers.attach(site));
    }),
  );
  router.get(
    ["/domains", "/domains/records"],
    endpoint((request) => {
      const { accountId } = connectionOf(request);
      const service = request.query["service"];
      const own = sites.list().filter((site) => site.accountId === accountId);
      return own
        .filter(({ script }) => service === undefined || script === service)
        .map(describeSite);
    }),
  );

  // wrangler asks first what attaching its custom domains would change, and then attaches them.
  router.post(
    "/scripts/:name/domains/changeset",
    json,
    endpoint((request) => {
      const { name } = workers.find(scriptKey(request));
      const origins = readInput(Origins, request.body);
      const added = origins.filter(({ hostname }) => sites.find(hostname)?.script !== name);
      return { added, removed: [], updated: [], conflicting: [] };
    }),
  );
  router.put(
    "/scripts/:name/domains/records",
    json,
    endpoint(async (request) => {
      const key = scriptKey(request);
      const { origins } = readInput(Records, request.body);
      const hostnames = origins.map(({ hostname }) => readHostname(hostname));
      const attached: object[] = [];
      for (const hostname of hostnames) {
        attached.push(describeSite(await workers.attach({ ...key, hostname })));
      }
      return attached;
    }),
  );
  return router;
}

function readHostname(text: string): string {
  const hostname = parseHostname(text);
  if (hostname !== undefined) return hostname;
  throw new CloudflareError("BODY_INVALID", {
    problem: `"${text.slice(0, 100)}" is not a hostname.`,
    nextStep: "Send a name such as example.dev or www.example.dev.",
  });
}

/** The URL can be fetched by anything on this machine; the hostname works by `Host` header, and in browsers with .localhost. */
function address({ hostname, port }: Site): { hostname: string; url: string } {
  return { hostname, url: `http://127.0.0.1:${port}/` };
}

function describeSite(site: Site): object {
  return { id: site.hostname, service: site.script, environment: "production", ...address(site) };
}
