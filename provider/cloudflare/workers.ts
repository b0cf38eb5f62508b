/**
 * Deploying Workers and giving them hostnames. Code is recorded only once it is known to start; a hostname of the user's own is
 * given only to the account that registered the domain.
 */
import { createHash } from "node:crypto";
import { domainsAbove } from "./domain-name.ts";
import { CloudflareError } from "./error.ts";
import type { Front } from "./front.ts";
import { namespaceNotFound } from "./kv-api.ts";
import type { KvNamespaces } from "./kv-namespaces.ts";
import type { Registry } from "./registry.ts";
import { RuntimeError } from "./runtime/runtime-error.ts";
import type { WorkerCode } from "./runtime/worker-code.ts";
import type { WorkersRuntime } from "./runtime/workers-runtime.ts";
import { runtimeName, type Script, type Scripts } from "./scripts.ts";
import type { Site, Sites } from "./sites.ts";

export interface Workers {
  deploy(order: ScriptKey & { code: WorkerCode; versionId: string }): Promise<Script>;
  remove(key: ScriptKey): Promise<void>;
  /** Serves the Worker at its subdomain of the account. */
  publish(key: ScriptKey): Promise<Site>;
  unpublish(key: ScriptKey): Promise<void>;
  /** Serves the Worker at a hostname below a domain that the account has registered. */
  attach(order: ScriptKey & { hostname: string }): Promise<Site>;
  /** The hostname that `publish` uses. */
  subdomainOf(key: ScriptKey): string;
  find(key: ScriptKey): Script;
}

export interface ScriptKey {
  accountId: string;
  name: string;
}

export interface WorkersOptions {
  scripts: Scripts;
  sites: Sites;
  namespaces: KvNamespaces;
  registry: Registry;
  runtime: WorkersRuntime;
  front: Front;
  now: () => number;
}

/** The account's own part of the shared domain, such as "a1b2c3d4" in "site.a1b2c3d4.workers.dev". */
export function accountSubdomain(accountId: string): string {
  return `u${createHash("sha256").update(accountId).digest("hex").slice(0, 10)}`;
}

export function openWorkers(options: WorkersOptions): Workers {
  const { scripts, sites, namespaces, registry, runtime, front, now } = options;
  const subdomainOf = ({ accountId, name }: ScriptKey) =>
    `${name.replaceAll("_", "-").toLowerCase()}.${accountSubdomain(accountId)}.workers.dev`;
  const find = ({ accountId, name }: ScriptKey) => {
    const script = scripts.find(accountId, name);
    if (script) return script;
    throw new CloudflareError("SCRIPT_NOT_FOUND", {
      problem: `This account has no Worker "${name.slice(0, 100)}".`,
      nextStep: "Upload it first.",
    });
  };
  const serve = async ({ accountId, name }: ScriptKey, hostname: string): Promise<Site> => {
    const port = await front.open(hostname, sites.find(hostname)?.port);
    const site = { hostname, accountId, script: name, port };
    sites.set(site);
    return site;
  };
  const close = async (hostname: string) => {
    sites.remove(hostname);
    await front.shut(hostname);
  };
  return {
    subdomainOf,
    find,
    deploy: async ({ accountId, name, code, versionId }) => {
      for (const binding of code.bindings) {
        if (binding.type !== "kv_namespace") continue;
        if (namespaces.find(binding.namespace_id)?.accountId !== accountId)
          throw namespaceNotFound();
      }
      const createdAt = scripts.find(accountId, name)?.createdAt ?? now();
      const script: Script = { accountId, name, code, versionId, createdAt, modifiedAt: now() };
      await runtime
        .deploy({ name: runtimeName(accountId, name), code }, () => scripts.put(script))
        .catch((error: unknown) => {
          throw error instanceof RuntimeError ? refuse(error) : error;
        });
      return script;
    },
    remove: async (key) => {
      const { accountId, name } = find(key);
      for (const site of sites.list()) {
        if (site.accountId !== accountId || site.script !== name) continue;
        await close(site.hostname);
      }
      await runtime.remove(runtimeName(accountId, name), () => scripts.remove(accountId, name));
    },
    publish: (key) => serve(find(key), subdomainOf(key)),
    unpublish: async (key) => {
      find(key);
      await close(subdomainOf(key));
    },
    attach: async ({ hostname, ...key }) => {
      const script = find(key);
      const owned = domainsAbove(hostname).some((domain) => {
        const registration = registry.find(domain);
        return registration?.state === "active" && registration.accountId === key.accountId;
      });
      if (!owned) throw notOwned(hostname);
      return serve(script, hostname);
    },
  };
}

function refuse(error: RuntimeError): CloudflareError {
  const { code, problem, nextStep } = error;
  if (code === "WORKER_INVALID") {
    return new CloudflareError("SCRIPT_INVALID", {
      problem: `Script startup failed: ${problem}.`,
      nextStep,
      cause: error,
    });
  }
  return new CloudflareError("NOT_BUILT", { problem, nextStep, cause: error });
}

function notOwned(hostname: string): CloudflareError {
  return new CloudflareError("HOSTNAME_NOT_OWNED", {
    problem: `${hostname} is not a domain of this account, nor below one.`,
    nextStep: "Register the domain first, with this account.",
  });
}
