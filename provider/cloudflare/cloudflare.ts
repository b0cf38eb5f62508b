/**
 * A local Cloudflare: it sells domains for real (test) money and runs Workers for real, behind Cloudflare's own v4 API, so that
 * an agent, the official SDK and an unmodified wrangler can use it.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import express, { type RequestHandler, Router } from "express";
import type { OpenedProvider, Provide, ProviderDefinition } from "../kit/definition.ts";
import { ProvisioningError } from "../kit/error.ts";
import type { ProviderKit } from "../kit/kit.ts";
import type { ProviderOptions } from "../kit/options.ts";
import { createProvider, type Provider } from "../kit/provider.ts";
import { type ProviderServer, startProvider, type StartOptions } from "../kit/start.ts";
import { accountApi } from "./account-api.ts";
import { authenticated, ownAccountOnly } from "./account-scope.ts";
import { openAllowance } from "./allowance.ts";
import { sendFailure } from "./envelope.ts";
import { CloudflareError } from "./error.ts";
import { openFront } from "./front.ts";
import { hostnamesApi } from "./hostnames-api.ts";
import { kvApi } from "./kv-api.ts";
import { openKvNamespaces } from "./kv-namespaces.ts";
import { registrarApi } from "./registrar-api.ts";
import { registrationSale } from "./registration-sale.ts";
import { openRegistry, type Registration, TAKEN_DOMAINS } from "./registry.ts";
import { WorkersRuntime } from "./runtime/workers-runtime.ts";
import { openScripts, runtimeName } from "./scripts.ts";
import { scriptsApi } from "./scripts-api.ts";
import { SERVICE_IDS, SERVICES } from "./services.ts";
import { openSites, type Site } from "./sites.ts";
import { openVersions } from "./versions.ts";
import { accountSubdomain, openWorkers } from "./workers.ts";

export interface CloudflareOptions {
  /** Names that are somebody else's from the start. */
  takenDomains?: readonly string[] | undefined;
  /** The free plan's requests a day, for each account. */
  requestsPerDay?: number | undefined;
  /** How long a Worker may take to begin its answer. */
  answerTimeoutMs?: number | undefined;
}

export interface OpenedCloudflare extends OpenedProvider {
  /** Takes every site's hostname, by `Host` header or as "<hostname>.localhost". */
  readonly workersPort: number;
  /** Starts the runtime before anyone needs it. */
  prewarm(): Promise<void>;
  /** Who owns a name, for whoever looks from outside. */
  findRegistration(domain: string): Registration | undefined;
  listRegistrations(accountId: string): Registration[];
  listSites(): Site[];
}

export type Cloudflare = Provider<OpenedCloudflare>;
export type CloudflareServer = ProviderServer<OpenedCloudflare>;

/** Opens the provider without listening; mount its `app` at the root of `publicUrl`. Sites do listen. */
export function createCloudflare(
  options: ProviderOptions & CloudflareOptions,
): Promise<Cloudflare> {
  return createProvider(cloudflare(options), options);
}

/** Starts the provider on 127.0.0.1, on the port it was on before where there is one. */
export function startCloudflare(
  options: StartOptions & CloudflareOptions,
): Promise<CloudflareServer> {
  return startProvider(cloudflare(options), options);
}

function cloudflare(options: CloudflareOptions): ProviderDefinition<OpenedCloudflare> {
  return {
    id: "cloudflare",
    name: "Cloudflare",
    termsVersion: "2026-04-30",
    services: SERVICES,
    shortCatalogPath: "/client/v4/stripe/catalog",
    open: (kit) => open(kit, options),
  };
}

async function open(
  kit: ProviderKit,
  { takenDomains = TAKEN_DOMAINS, requestsPerDay, answerTimeoutMs }: CloudflareOptions,
): Promise<OpenedCloudflare> {
  const { database, settings, accounts, now, newId } = kit;
  const registry = openRegistry(database, takenDomains);
  const scripts = openScripts(database);
  const versions = openVersions(database);
  const namespaces = openKvNamespaces(database);
  const sites = openSites(database);
  const runtime = new WorkersRuntime({
    dir: join(kit.dir, "workers"),
    deployed: scripts.deployed,
  });
  const front = await openFront({
    sites,
    port: Number(settings.get("workers-port") ?? 0),
    lease: ({ accountId, script }) => runtime.lease({ worker: runtimeName(accountId, script) }),
    answerTimeoutMs,
    allowance: openAllowance({ perDay: requestsPerDay, now }),
  });
  settings.set("workers-port", String(front.port));
  const workers = openWorkers({ scripts, sites, namespaces, registry, runtime, front, now });

  const account = Router({ mergeParams: true });
  account.use(ownAccountOnly);
  const register = kit.till.sell(registrationSale({ registry, now }));
  account.use("/registrar", registrarApi({ registry, register }));
  account.use("/workers", scriptsApi({ workers, scripts, versions, sites, newId }));
  account.use("/workers", hostnamesApi({ workers, sites }));
  account.use(
    "/storage/kv",
    kvApi({ namespaces, lease: (namespace) => runtime.lease({ namespace }), newId }),
  );
  const v4 = express.Router();
  v4.use(authenticated(kit.authenticate));
  v4.use(accountApi(accounts));
  v4.use("/accounts/:account", account);
  v4.use(noRoute);
  v4.use(sendFailure);
  const api = express.Router().use("/client/v4", v4);

  return {
    api,
    provide: provisions(kit, { workersPort: front.port, namespaces }),
    withdraw: { [SERVICE_IDS.kv]: ({ id }) => namespaces.remove(namespaceId(id)) },
    ...adoption(kit, namespaces),
    workersPort: front.port,
    prewarm: () => runtime.prewarm(),
    findRegistration: (domain) => registry.find(domain),
    listRegistrations: (accountId) => registry.list(accountId),
    listSites: () => sites.list(),
    close: async () => {
      await front.close();
      await runtime.close();
    },
  };
}

const noRoute: RequestHandler = (request) => {
  throw new CloudflareError("NO_ROUTE", {
    problem: `Could not route to ${request.originalUrl.slice(0, 200)}: no such endpoint here.`,
    nextStep: "Look at the path; much of the v4 API is not built here.",
  });
};

/** What each service that the orchestrator adds hands back. */
function provisions(
  { publicUrl, accounts }: ProviderKit,
  {
    workersPort,
    namespaces,
  }: { workersPort: number; namespaces: ReturnType<typeof openKvNamespaces> },
): Record<string, Provide> {
  const base = (accountId: string) => ({
    CLOUDFLARE_ACCOUNT_ID: accountId,
    CLOUDFLARE_API_BASE_URL: `${publicUrl}/client/v4`,
  });
  return {
    [SERVICE_IDS.account]: ({ accountId }) => ({
      ...base(accountId),
      CLOUDFLARE_EMAIL: accounts.find(accountId)!.email,
    }),
    [SERVICE_IDS.workers]: ({ accountId }) => ({
      ...base(accountId),
      CLOUDFLARE_PLAN_SERVICE_ID: SERVICE_IDS.workers,
      CLOUDFLARE_WORKERS_DEV_SUBDOMAIN: accountSubdomain(accountId),
      CLOUDFLARE_WORKERS_PORT: String(workersPort),
    }),
    [SERVICE_IDS.kv]: ({ id, accountId, configuration }) => {
      const namespace = namespaceId(id);
      const title = configuration["title"] ?? `kv-${namespace.slice(0, 8)}`;
      if (!namespaces.add({ id: namespace, accountId, title })) {
        throw new ProvisioningError("invalid_configuration", {
          problem: `The account has a namespace with the title "${title}" already.`,
          nextStep: "Choose another title, or leave it out.",
        });
      }
      return { ...base(accountId), KV_NAMESPACE_ID: namespace, KV_NAMESPACE_TITLE: title };
    },
  };
}

/** A namespace that the account has already, such as one that wrangler made, becomes a resource; removing that leaves it there. */
function adoption(
  { publicUrl }: ProviderKit,
  namespaces: ReturnType<typeof openKvNamespaces>,
): Pick<OpenedProvider, "needs" | "adopt"> {
  const own = (accountId: string, { namespace_id: id }: Readonly<Record<string, string>>) =>
    namespaces.list(accountId).find((namespace) => namespace.id === id);
  return {
    needs: {
      [SERVICE_IDS.kv]: ({ accountId, configuration, purpose }) => {
        if (purpose !== "link" || own(accountId, configuration)) return undefined;
        const ids = namespaces.list(accountId).map(({ id }) => id);
        const namespace_id = { type: "string", description: "Which namespace.", enum: ids };
        return { type: "object", properties: { namespace_id }, required: ["namespace_id"] };
      },
    },
    adopt: {
      [SERVICE_IDS.kv]: ({ accountId, configuration }) => {
        const { id, title } = own(accountId, configuration)!;
        return {
          CLOUDFLARE_ACCOUNT_ID: accountId,
          CLOUDFLARE_API_BASE_URL: `${publicUrl}/client/v4`,
          KV_NAMESPACE_ID: id,
          KV_NAMESPACE_TITLE: title,
        };
      },
    },
  };
}

/** The same for the same resource, so that a repeated order makes no second namespace. */
function namespaceId(resourceId: string): string {
  return createHash("sha256").update(resourceId).digest("hex").slice(0, 32);
}
