/**
 * `/accounts/:account/workers`: uploading and publishing Workers, in the calls that wrangler makes and in those that the catalog
 * names. Mounted below the account.
 */
import express, { type Request, Router } from "express";
import { z } from "zod";
import { connectionOf, param } from "./account-scope.ts";
import { endpoint, success } from "./envelope.ts";
import { parseHostname } from "./domain-name.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import type { WorkerCode } from "./runtime/worker-code.ts";
import type { Script, Scripts } from "./scripts.ts";
import type { Site, Sites } from "./sites.ts";
import { readUpload } from "./upload.ts";
import type { Versions } from "./versions.ts";
import { accountSubdomain, type ScriptKey, type Workers } from "./workers.ts";

export interface WorkersApiOptions {
  workers: Workers;
  scripts: Scripts;
  versions: Versions;
  sites: Sites;
  newId: () => string;
}

const Publish = z.looseObject({ enabled: z.boolean() });
const Attach = z.looseObject({ hostname: z.string(), service: z.string().max(100) });
const Deployment = z.looseObject({
  strategy: z.literal("percentage"),
  versions: z.array(z.object({ version_id: z.string(), percentage: z.literal(100) })).length(1),
});

export function workersApi(options: WorkersApiOptions): Router {
  const { workers, scripts, versions, sites, newId } = options;
  const router = Router({ mergeParams: true });
  const upload = express.raw({ type: "multipart/form-data", limit: "30mb" });
  const json = express.json();

  router.get(
    "/subdomain",
    endpoint((request) => ({ subdomain: accountSubdomain(connectionOf(request).accountId) })),
  );
  router.get(
    "/scripts",
    endpoint((request) => scripts.list(connectionOf(request).accountId).map(describeScript)),
  );
  router.get(
    "/services/:name",
    endpoint((request) =>
      describeService(findScript(keyOf(request), options, "SERVICE_NOT_FOUND")),
    ),
  );
  router.delete(
    ["/services/:name", "/scripts/:name"],
    endpoint(async (request) => {
      await workers.remove(keyOf(request));
      return null;
    }),
  );
  router.get(
    "/workers/:name",
    endpoint((request) => {
      const script = workers.find(keyOf(request));
      const enabled = sites.find(workers.subdomainOf(script)) !== undefined;
      return {
        id: script.name,
        name: script.name,
        subdomain: { enabled, previews_enabled: false },
      };
    }),
  );

  router.put(
    "/scripts/:name",
    upload,
    endpoint(async (request) => {
      const key = keyOf(request);
      const code = await readUpload(request);
      return describeDeployed(await workers.deploy({ ...key, code, versionId: newId() }));
    }),
  );
  router.post(
    "/scripts/:name/versions",
    upload,
    endpoint(async (request) => {
      const key = keyOf(request);
      workers.find(key);
      const id = newId();
      versions.add({ ...key, id, code: await readUpload(request) });
      return { id, number: 1, metadata: {}, startup_time_ms: 1 };
    }),
  );
  router.post(
    "/scripts/:name/deployments",
    json,
    endpoint(async (request) => {
      const key = keyOf(request);
      const versionId = readInput(Deployment, request.body).versions[0]!.version_id;
      const code = versionCode(key, versionId, options);
      await workers.deploy({ ...key, code, versionId });
      return { id: newId() };
    }),
  );
  router.get(
    "/scripts/:name/deployments",
    endpoint((request) => {
      const { accountId, name } = keyOf(request);
      const script = scripts.find(accountId, name);
      return { deployments: script === undefined ? [] : [describeDeployment(script)] };
    }),
  );
  router.get(
    "/scripts/:name/settings",
    endpoint((request) => describeSettings(workers.find(keyOf(request)))),
  );
  router.patch(
    "/scripts/:name/script-settings",
    json,
    endpoint((request) => {
      workers.find(keyOf(request));
      return { logpush: false, tags: null };
    }),
  );
  router.get(
    "/scripts/:name/secrets",
    endpoint((request) => {
      const { code } = workers.find(keyOf(request));
      const secrets = code.bindings.filter(({ type }) => type === "secret_text");
      return secrets.map(({ name, type }) => ({ name, type }));
    }),
  );

  router.post(
    "/scripts/:name/subdomain",
    json,
    endpoint(async (request) => {
      const key = keyOf(request);
      if (readInput(Publish, request.body).enabled) {
        const site = await workers.publish(key);
        return { enabled: true, previews_enabled: false, ...address(site) };
      }
      workers.unpublish(key);
      return { enabled: false, previews_enabled: false };
    }),
  );
  router.get(
    "/scripts/:name/subdomain",
    endpoint((request) => {
      const site = sites.find(workers.subdomainOf(workers.find(keyOf(request))));
      return { enabled: site !== undefined, previews_enabled: false, ...(site && address(site)) };
    }),
  );
  router.put(
    "/domains",
    json,
    endpoint(async (request) => {
      const { hostname, service } = readInput(Attach, request.body);
      const { accountId } = connectionOf(request);
      const host = readHostname(hostname);
      return describeSite(await workers.attach({ accountId, name: service, hostname: host }));
    }),
  );
  router.get("/domains", (request, response) => {
    const { accountId } = connectionOf(request);
    const own = sites.list().filter((site) => site.accountId === accountId);
    response.json(success(own.map(describeSite)));
  });
  return router;
}

/** The names that Cloudflare takes: what can be a part of a hostname. */
const SCRIPT_NAME = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/i;

function keyOf(request: Request): ScriptKey {
  const name = param(request, "name");
  if (SCRIPT_NAME.test(name)) return { accountId: connectionOf(request).accountId, name };
  throw new CloudflareError("SCRIPT_NAME_INVALID", {
    problem: `"${name.slice(0, 100)}" cannot be a Worker's name.`,
    nextStep: "Use up to 63 letters, digits and dashes.",
  });
}

function findScript(
  { accountId, name }: ScriptKey,
  { scripts }: WorkersApiOptions,
  missing: "SERVICE_NOT_FOUND",
): Script {
  const script = scripts.find(accountId, name);
  if (script) return script;
  throw new CloudflareError(missing, {
    problem: "workers.api.error.service_not_found.",
    nextStep: "Upload the Worker first.",
  });
}

function versionCode(
  key: ScriptKey,
  id: string,
  { versions, workers }: WorkersApiOptions,
): WorkerCode {
  const code = versions.find({ ...key, id });
  if (code) return code;
  const script = workers.find(key);
  if (script.versionId === id) return script.code;
  throw new CloudflareError("VERSION_NOT_FOUND", {
    problem: "This Worker has no such version.",
    nextStep: "Upload it with POST …/versions first.",
  });
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

function describeScript({ name, versionId, createdAt, modifiedAt }: Script) {
  return {
    id: name,
    etag: versionId.replaceAll("-", ""),
    tag: versionId,
    handlers: ["fetch"],
    created_on: new Date(createdAt).toISOString(),
    modified_on: new Date(modifiedAt).toISOString(),
  };
}

function describeDeployed(script: Script): object {
  const { versionId } = script;
  return { ...describeScript(script), deployment_id: versionId, startup_time_ms: 1 };
}

function describeService(script: Script): object {
  const environment = {
    environment: "production",
    script: { ...describeScript(script), last_deployed_from: "wrangler" },
  };
  return { id: script.name, default_environment: environment, environments: [environment] };
}

function describeDeployment({ versionId, modifiedAt }: Script): object {
  return {
    id: versionId,
    source: "api",
    strategy: "percentage",
    author_email: "",
    created_on: new Date(modifiedAt).toISOString(),
    annotations: {},
    versions: [{ version_id: versionId, percentage: 100 }],
  };
}

function describeSettings({ code }: Script): object {
  return {
    bindings: code.bindings.map((binding) =>
      binding.type === "secret_text" ? { type: binding.type, name: binding.name } : binding,
    ),
    compatibility_date: code.compatibilityDate,
    compatibility_flags: code.compatibilityFlags,
    usage_model: "standard",
    tags: [],
    logpush: false,
  };
}
