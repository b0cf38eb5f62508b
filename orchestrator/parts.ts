/** Puts the orchestrator together: each part gets the others that it needs, and nothing else. */
import { join } from "node:path";
import type { Human, Trace } from "../protocol/index.ts";
import type { Database, Ledger } from "../store/index.ts";
import { AccountRequests } from "./account-request.ts";
import { AgentTokens } from "./agent-tokens.ts";
import { Approvals } from "./approvals.ts";
import { ConnectionStore } from "./connection-store.ts";
import { Connections } from "./connections.ts";
import { Consents } from "./consents.ts";
import { Desk } from "./desk.ts";
import { capSetter } from "./caps.ts";
import { Identity, type MandateOf } from "./identity.ts";
import { MergedCatalog } from "./merged-catalog.ts";
import { OAuthClient } from "./oauth-client.ts";
import { PendingConsents } from "./pending-consents.ts";
import { People, type User } from "./people.ts";
import { PaymentMethod, type Wallets } from "./payment-method.ts";
import { ProjectViews } from "./project-views.ts";
import { Projects } from "./projects.ts";
import type { ProviderCallOptions } from "./provider-call.ts";
import { ProviderSession } from "./provider-session.ts";
import { Quotes } from "./quotes.ts";
import { ResourceChanges } from "./resource-changes.ts";
import { ResourceWork } from "./resource-work.ts";
import { ProviderRegistry } from "./provider-registry.ts";
import { PurchaseRecovery } from "./purchase-recovery.ts";
import { Purchases } from "./purchases.ts";
import { ResourceRenewal } from "./resource-renewal.ts";
import { ResourceStore } from "./resource-store.ts";
import { Renewals } from "./renewals.ts";
import { Resources } from "./resources.ts";
import { Runs } from "./runs.ts";
import { Serial } from "./serial.ts";
import { ServiceListings } from "./service-listings.ts";
import { SessionDesk } from "./session/session-desk.ts";
import { type Identify, Sessions } from "./sessions.ts";
import { openSignIn, type SignInOptions } from "./sign-in/sign-in.ts";
import { SharedSecrets } from "./shared-secrets.ts";
import { openSigningKeys } from "./signing-keys.ts";
import { Spending } from "./spending.ts";
import { makeTables } from "./tables.ts";
import { Terms } from "./terms.ts";
import { Variables } from "./variables.ts";
import { Vault } from "./vault.ts";

export interface PartsOptions {
  dir: string;
  db: Database;
  issuer: string;
  clientId: string;
  user: User | undefined;
  identify: Identify | undefined;
  signIn: SignInOptions | undefined;
  human: Human | ((user: User) => Human);
  wallet?: Wallets;
  ledger: Ledger;
  defaultCap: bigint;
  walletCap?: bigint | undefined;
  trace?: Trace | undefined;
  now: () => number;
  newId: () => string;
  call: ProviderCallOptions;
}

export async function openParts(options: PartsOptions) {
  const { dir, db, issuer, clientId, user, ledger, defaultCap, trace, now } = options;
  const { human, newId, call } = options;
  makeTables(db);
  const vault = new Vault({ db, identityFile: join(dir, "vault.key"), now });
  const keys = await openSigningKeys(join(dir, "signing-keys.json"), now);
  const registry = new ProviderRegistry({ db, now });
  const secrets = new SharedSecrets({ registry, vault });
  const isPlain = (url: string) => registry.plain(registry.baseOf(url) ?? "") !== undefined;
  const identity = new Identity({ issuer, clientId, keys, secrets, isPlain, call, now, newId });
  const people = new People({ db, now, owner: user });
  const signIn = options.signIn && openSignIn({ ...options.signIn, db, people, now });
  const identify = signIn?.identify ?? options.identify;
  const sessions = new Sessions({ db, people, identify, now, newId });
  const projects = new Projects({ db, now, newId, defaultCap });
  const runs = new Runs({ db, now, newId });
  const approvals = new Approvals({
    db,
    human: (project) => (typeof human === "function" ? human(people.ofProject(project)) : human),
    trace,
    now,
  });
  const terms = new Terms({ db, people, approvals, now });
  const catalog = new MergedCatalog({ registry, identity, call, now });
  const plain = {
    is: (baseUrl: string) => registry.plain(baseUrl) !== undefined,
    sign: (url: string, body: string) => identity.signForm(url, body),
  };
  const oauth = new OAuthClient({ clientId, plain, call, now });
  const pending = new PendingConsents({ vault, now });
  const accounts = new AccountRequests({
    identity,
    people,
    oauth,
    terms,
    approvals,
    pending,
    plain: (baseUrl) => registry.plain(baseUrl),
    now,
    newId,
  });
  const consents = new Consents({ db, approvals, now, newId });
  const connectionStore = new ConnectionStore({ db, vault, now });
  const connections = new Connections({
    consents,
    store: connectionStore,
    tokens: new AgentTokens({ store: connectionStore, vault, oauth, identity, now }),
    identity,
    people,
    accounts,
    projects,
    knowsMandates: (provider) => !registry.isPlainId(provider),
    trace,
    now,
  });
  const payment = new PaymentMethod({ approvals, people, wallet: options.wallet });
  const spending = new Spending({
    ledger,
    projects,
    walletCap: options.walletCap,
    walletScope: (project) => payment.limitOf(project),
  });
  const session = new ProviderSession({
    db,
    identity,
    connections,
    payment,
    spending,
    timeoutMs: call.timeoutMs,
    now,
  });
  const store = new ResourceStore({ db, vault, now });
  const quotes = new Quotes({ db, session, now });
  const mandateOf: MandateOf = async (project, provider) =>
    registry.isPlainId(provider)
      ? undefined
      : (await identity.mandate(project, provider, projects.cap(project, provider))).token;
  const work = new ResourceWork({ store, vault, session, trace });
  const resources = new Resources({
    store,
    work,
    quotes,
    connections,
    consents,
    payment,
    mandateOf,
  });
  const changing = { store, work, quotes, consents, mandateOf, serial: new Serial() };
  const changes = new ResourceChanges(changing);
  const renewal = new ResourceRenewal(changing);
  const purchases = new Purchases({ db, connections, payment, spending, trace, now });
  const purchaseRecovery = new PurchaseRecovery({
    purchases,
    catalog,
    connections,
    payment,
    call,
    now,
  });
  const views = new ProjectViews({
    people,
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
    connections,
    consents,
    purchases,
    approvals,
    vault,
  });
  const setCap = capSetter({ projects, connections, catalog, store });
  const renewals = new Renewals({
    store,
    renewal,
    providerOf: async (id) => (await catalog.provider(id)).provider,
    now,
  });
  const sessionDesk = new SessionDesk({
    sessions,
    projects,
    views,
    runs,
    catalog,
    listings: new ServiceListings(),
    registry,
    connections,
    consents,
    resources,
    changes,
    renewal,
    quotes,
    session,
    people,
    terms,
    payment,
    spending,
    variables: new Variables({ vault }),
    vault,
    setCap,
    ownerId: user?.id,
    now,
  });
  return {
    keys,
    vault,
    projects,
    runs,
    approvals,
    registry,
    catalog,
    resources,
    changes,
    purchaseRecovery,
    payment,
    views,
    desk,
    people,
    sessions,
    sessionDesk,
    identify,
    signIn,
    secrets,
    setCap,
    renewals,
  };
}
