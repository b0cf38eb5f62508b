/**
 * Puts a provider together: the kit's endpoints around the definition's own API, over one database. Nothing is in memory only,
 * so a provider that is opened again on its folder goes on where it stopped, however it stopped.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import express, { type ErrorRequestHandler, type Express } from "express";
import { type Database, openDatabase } from "../../store/index.ts";
import { accountPages } from "./account/account-pages.ts";
import { openDeepLinks } from "./account/deep-links.ts";
import { openSessions } from "./account/sessions.ts";
import { accountRequests } from "./account-requests.ts";
import { openAccounts } from "./accounts.ts";
import { bearerAuthentication } from "./bearer.ts";
import { capabilitiesOf, catalogPages, readCatalog } from "./catalog-pages.ts";
import { openConnections } from "./connections.ts";
import { openConsents } from "./consents.ts";
import { interactions } from "./consent/interactions.ts";
import { mailToFolder } from "./consent/mail.ts";
import { openPendingRequests } from "./consent/pending-requests.ts";
import { openSignInCodes } from "./consent/sign-in-codes.ts";
import type { OpenedProvider, ProviderDefinition } from "./definition.ts";
import { ENVELOPES, ProvisioningError, sendError } from "./error.ts";
import { oauthMetadata } from "./oauth-metadata.ts";
import { openOAuth } from "./oauth.ts";
import { openOnce } from "./once.ts";
import type { ProviderOptions, TrustedOrchestrator } from "./options.ts";
import { resourceEndpoints } from "./resources/endpoints.ts";
import { openQuotes } from "./resources/quotes.ts";
import { plainTokenRequests } from "./plain-token-requests.ts";
import { openResources } from "./resources/store.ts";
import { SCOPE_NAMES } from "./scopes.ts";
import { openSettings } from "./settings.ts";
import { signedRequests } from "./signed-requests.ts";
import { openSpending } from "./spending.ts";
import { openTill } from "./till.ts";
import { openTrust } from "./trust.ts";
import { unlinking } from "./unlinking.ts";
import { requireUsable } from "./usable-options.ts";

export interface Provider<Opened extends OpenedProvider> {
  /** Mount it at the root of the origin that `publicUrl` names. */
  readonly app: Express;
  /** What the definition opened. */
  readonly opened: Opened;
  /** Trusts one more orchestrator from now on. */
  trust(orchestrator: TrustedOrchestrator): void;
  /** Ends the sales that a crash left open; resolves to the number that still are. `startProvider` does it by itself. */
  recover(): Promise<number>;
  close(): Promise<void>;
}

/** What only an orchestrator may call. */
const SIGNED_PATHS = ["account_requests", "quotes", "resources", "deep_links", "unlink"].map(
  (name) => `/provisioning/${name}`,
);

/** Opens the provider's folder and everything in it. Listens on nothing; see `startProvider`. Throws `PROVIDER_OPTIONS_INVALID` before it opens anything. */
export async function createProvider<Opened extends OpenedProvider>(
  definition: ProviderDefinition<Opened>,
  options: ProviderOptions,
): Promise<Provider<Opened>> {
  requireUsable(options);
  const database = openProviderDatabase(options.dir);
  try {
    return await assemble(definition, options, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

export function openProviderDatabase(dir: string): Database {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return openDatabase(join(dir, "provider.sqlite"));
}

/** As `createProvider`, over a database that is open already; closing the provider closes it. */
export async function assemble<Opened extends OpenedProvider>(
  definition: ProviderDefinition<Opened>,
  options: ProviderOptions,
  database: Database,
): Promise<Provider<Opened>> {
  const { dir, asset, now = Date.now, newId = randomUUID } = options;
  const publicUrl = options.publicUrl.replace(/\/$/, "");
  const { id: providerId, termsVersion } = definition;
  const catalog = readCatalog({ definition, options: { ...options, publicUrl } });
  const settings = openSettings(database);
  const trust = openTrust(options.trust, { now });
  const accounts = openAccounts(database);
  const connections = openConnections(database);
  const consents = openConsents(database);
  const resources = openResources(database);
  const once = openOnce(database, "identity_assertion");
  const onceProof = openOnce(database, "possession_proof");
  const { name: providerName } = definition;
  const oauth = openOAuth({
    providerName,
    database,
    settings,
    accounts,
    connections,
    consents,
    trust,
    publicUrl,
    once,
    onceProof,
    now,
  });
  const pending = openPendingRequests(database, now);
  const secret = settings.once("consent-key", () => randomBytes(32).toString("base64url"));
  const proofs = { publicUrl, once: onceProof, now };
  const authenticate = bearerAuthentication({ oauth, connections, ...proofs });
  const spending = openSpending({ database, connections, asset, now });
  const till = openTill({ ...options, publicUrl, database, catalog, spending, now });
  const kit = {
    dir,
    publicUrl,
    database,
    settings,
    accounts,
    catalog,
    asset,
    authenticate,
    till,
    now,
    newId,
  };
  const links = openDeepLinks({ database, authenticate, publicUrl, now });
  const codes = openSignInCodes(database, { secret, now });
  const mail = options.mail ?? mailToFolder(dir, now);
  const opened = await definition.open(kit);

  const app = express();
  app.disable("x-powered-by");
  Object.assign(catalog.provider, capabilitiesOf(opened, catalog.data, publicUrl));
  app.use(catalogPages(catalog, definition.shortCatalogPath ?? "/stripe/catalog"));
  app.use(oauthMetadata(publicUrl, SCOPE_NAMES));
  app.use(plainTokenRequests({ trust, settings, now }));
  app.use(oauth.handler);
  app.use(
    interactions({
      library: oauth.library,
      providerName,
      database,
      accounts,
      connections,
      consents,
      publicUrl,
      now,
      trust,
      pending,
      codes,
      mail,
      secret,
    }),
  );
  app.use(
    accountPages({
      providerName,
      database,
      accounts,
      connections,
      consents,
      resources,
      oauth,
      links,
      sessions: openSessions({ database, secret, publicUrl, now }),
      codes,
      mail,
    }),
  );
  if (opened.api) app.use(opened.api);
  app.use(SIGNED_PATHS, signedRequests({ database, trust, publicUrl, now }));
  app.use(
    accountRequests({
      providerId,
      termsVersion,
      publicUrl,
      accountConfiguration: definition.accountConfiguration,
      accounts,
      connections,
      consents,
      database,
      oauth,
      pending,
      once,
      now,
      newId,
    }),
  );
  const endpoints = resourceEndpoints({
    providerId,
    publicUrl,
    services: catalog.data,
    provider: opened,
    authenticate,
    connections,
    database,
    quotes: openQuotes(database, { now, newId }),
    resources,
    till,
    now,
  });
  app.use(endpoints.router);
  app.use(unlinking({ database, accounts, connections, consents, oauth, authenticate }));
  app.use(links.router);
  app.use((request, response) => {
    const problem = `There is no ${request.method} ${request.path.slice(0, 200)} here.`;
    const nextStep = "Read GET /provisioning/services for what there is.";
    sendError(response, new ProvisioningError("not_found", { problem, nextStep }), ENVELOPES.flat);
  });
  app.use(lastResort);
  return {
    app,
    opened,
    trust: (orchestrator) => trust.add(orchestrator),
    recover: async () => {
      const open = await till.recover();
      await endpoints.recover();
      return open;
    },
    close: async () => {
      await opened.close?.();
      database.close();
    },
  };
}

/** Express knows an error handler by its four parameters. */
const lastResort: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  sendError(response, error, ENVELOPES.flat);
};
