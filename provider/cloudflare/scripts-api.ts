/**
 * `/accounts/:account/workers`: uploading Workers, and what wrangler asks about them before and after. Mounted below the
 * account. The first deploy is one PUT; later ones of wrangler are a version and a deployment.
 */
import express, { Router } from "express";
import { z } from "zod";
import { connectionOf } from "./account-scope.ts";
import {
  describeDeployed,
  describeDeployment,
  describeScript,
  describeService,
  describeSettings,
  describeVersion,
} from "./describe-script.ts";
import { endpoint } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { readInput } from "./input.ts";
import type { WorkerCode } from "./runtime/worker-code.ts";
import { scriptKey } from "./script-key.ts";
import type { Scripts } from "./scripts.ts";
import type { Sites } from "./sites.ts";
import { readUpload } from "./upload.ts";
import type { Versions } from "./versions.ts";
import type { ScriptKey, Workers } from "./workers.ts";

export interface ScriptsApiOptions {
  workers: Workers;
  scripts: Scripts;
  versions: Versions;
  sites: Sites;
  newId: () => string;
}

const Deployment = z.looseObject({
  strategy: z.literal("percentage"),
  versions: z.array(z.object({ version_id: z.string(), percentage: z.literal(100) })).length(1),
});

export function scriptsApi(options: ScriptsApiOptions): Router {
  const { workers, versions, newId } = options;
  const router = Router({ mergeParams: true });
  const upload = express.raw({ type: "multipart/form-data", limit: "30mb" });

  router.put(
    "/scripts/:name",
    upload,
    endpoint(async (request) => {
      const key = scriptKey(request);
      const code = await readUpload(request);
      return describeDeployed(await workers.deploy({ ...key, code, versionId: newId() }));
    }),
  );
  router.post(
    "/scripts/:name/versions",
    upload,
    endpoint(async (request) => {
      const key = scriptKey(request);
      workers.find(key);
      const version = { ...key, id: newId(), code: await readUpload(request) };
      return describeVersion(version.id, versions.add(version), version.code);
    }),
  );
  router.post(
    "/scripts/:name/deployments",
    express.json(),
    endpoint(async (request) => {
      const key = scriptKey(request);
      const [version] = readInput(Deployment, request.body).versions;
      const versionId = version?.version_id ?? "";
      await workers.deploy({ ...key, code: findVersion(key, versionId, options), versionId });
      return { id: newId() };
    }),
  );
  router.patch(
    "/scripts/:name/script-settings",
    express.json(),
    endpoint((request) => {
      workers.find(scriptKey(request));
      return { logpush: false, tags: null };
    }),
  );
  router.delete(
    ["/services/:name", "/scripts/:name"],
    endpoint(async (request) => {
      await workers.remove(scriptKey(request));
      return null;
    }),
  );
  addReads(router, options);
  return router;
}

function addReads(router: Router, { workers, scripts, sites }: ScriptsApiOptions): void {
  router.get(
    "/scripts",
    endpoint((request) => scripts.list(connectionOf(request).accountId).map(describeScript)),
  );
  router.get(
    "/services/:name",
    endpoint((request) => {
      const { accountId, name } = scriptKey(request);
      const script = scripts.find(accountId, name);
      if (script) return describeService(script);
      // wrangler knows by this code that the Worker is new.
      throw new CloudflareError("SERVICE_NOT_FOUND", {
        problem: "This account has no such Worker.",
        nextStep: "Upload it first.",
      });
    }),
  );
  router.get(
    "/workers/:name",
    endpoint((request) => {
      const script = workers.find(scriptKey(request));
      const enabled = sites.find(workers.subdomainOf(script)) !== undefined;
      const { name } = script;
      return { id: name, name, subdomain: { enabled, previews_enabled: false } };
    }),
  );
  router.get(
    "/scripts/:name/deployments",
    endpoint((request) => {
      const { accountId, name } = scriptKey(request);
      const script = scripts.find(accountId, name);
      return { deployments: script === undefined ? [] : [describeDeployment(script)] };
    }),
  );
  router.get(
    "/scripts/:name/settings",
    endpoint((request) => describeSettings(workers.find(scriptKey(request)))),
  );
  router.get(
    "/scripts/:name/secrets",
    endpoint((request) => {
      const { code } = workers.find(scriptKey(request));
      const secrets = code.bindings.filter(({ type }) => type === "secret_text");
      return secrets.map(({ name, type }) => ({ name, type }));
    }),
  );
  router.get(
    "/durable_objects/namespaces",
    endpoint(() => []),
  );
}

function findVersion(
  key: ScriptKey,
  id: string,
  { versions, workers }: ScriptsApiOptions,
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
