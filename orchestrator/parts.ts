/** Puts the orchestrator together: each part gets the others that it needs, and nothing else. */
import { join } from "node:path";
import type { Wallet } from "../middleware/index.ts";
import type { Human, Trace } from "../protocol/index.ts";
import type { Database, Ledger } from "../store/index.ts";
import { AccountRequests } from "./account-request.ts";
import { Approvals } from "./approvals.ts";
import { ConnectionStore } from "./connection-store.ts";
import { Connections } from "./connections.ts";
import { Desk } from "./desk.ts";
import { Identity, type User } from "./identity.ts";
import { MergedCatalog } from "./merged-catalog.ts";
import { OAuthClient } from "./oauth-client.ts";
import { PaymentMethod } from "./payment-method.ts";
import { ProjectViews } from "./project-views.ts";
import { Projects } from "./projects.ts";
import type { ProviderCallOptions } from "./provider-call.ts";
import { ProviderRegistry } from "./provider-registry.ts";
import { Purchases } from "./purchases.ts";
import { ResourceStore } from "./resource-store.ts";
import { Resources } from "./resources.ts";
import { Runs } from "./runs.ts";
import { openSigningKeys } from "./signing-keys.ts";
import { Spending } from "./spending.ts";
import { makeTables } from "./tables.ts";
import { Terms } from "./terms.ts";
import { Vault } from "./vault.ts";

export interface PartsOptions {
  dir: string;
  db: Database;
  issuer: string;
  clientId: string;
  user: User;
  human: Human;
  wallet?: Wallet | undefined;
  ledger: Ledger;
  defaultCap: bigint;
  walletCap?: bigint | undefined;
  trace?: Trace | undefined;
  now: () => number;
  newId: () => string;
  call: ProviderCallOptions;
}

export async function openParts(options: PartsOptions) {
  const { dir, db, issuer, clientId, user, human, ledger, defaultCap, trace, now, newId, call } =
    options;
  makeTables(db);
  const vault = new Vault({ db, identityFile: join(dir, "vault.key"), now });
  const keys = await openSigningKeys(join(dir, "signing-keys.json"), now);
  const identity = new Identity({ issuer, clientId, user, keys, call, now, newId });
  const projects = new Projects({ db, now, newId, defaultCap });
  const runs = new Runs({ db, now, newId });
  const approvals = new Approvals({ db, human, trace, now });
  const terms = new Terms({ db, approvals, now });
  const registry = new ProviderRegistry({ db, now });
  const catalog = new MergedCatalog({ registry, call, now });
  const oauth = new OAuthClient({ clientId, call, now });
  const accounts = new AccountRequests({ identity, oauth, terms, approvals, now, newId });
  const connections = new Connections({
    store: new ConnectionStore({ db, vault, now }),
    vault,
    identity,
    oauth,
    accounts,
    projects,
    trace,
    now,
  });
  const resources = new Resources({
    store: new ResourceStore({ db, vault, now }),
    vault,
    identity,
    connections,
    projects,
    trace,
  });
  const payment = new PaymentMethod({ approvals, wallet: options.wallet });
  const spending = new Spending({ ledger, projects, walletCap: options.walletCap });
  const purchases = new Purchases({ db, connections, payment, spending, trace, now });
  const views = new ProjectViews({
    user,
    projects,
    registry,
    connections,
    resources,
    purchases,
    payment,
    spending,
    ledger,
  });
  const desk = new Desk({
    runs,
    catalog,
    views,
    connections,
    resources,
    purchases,
    payment,
    approvals,
    vault,
  });
  return {
    keys,
    vault,
    projects,
    runs,
    approvals,
    registry,
    catalog,
    connections,
    payment,
    views,
    desk,
  };
}
