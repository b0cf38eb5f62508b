/**
 * The orchestrator acts for signed-in users: it attests who a user is, asks the user what only a person may decide, keeps
 * the vault, and lets an agent's run do what its capability token covers, and no more. Everything it knows lies under `dir`.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Router } from "express";
import type { z } from "zod";
import type { Wallet } from "../middleware/index.ts";
import { type Human, parseDecimal, type Secret, type Trace } from "../protocol/index.ts";
import { type Ledger, openDatabase } from "../store/index.ts";
import { agentApi } from "./agent-api.ts";
import type { AskRecord } from "./approvals.ts";
import type { User } from "./people.ts";
import type { Wallets } from "./payment-method.ts";
import { signInPath, type SignInOptions } from "./sign-in/sign-in.ts";
import { sessionApi } from "./session/session-api.ts";
import type { Identify } from "./sessions.ts";
import type { CatalogReading } from "./merged-catalog.ts";
import { read } from "./http.ts";
import { PlainProvider } from "./plain-catalog.ts";
import type { PaymentReport, ProjectOverview } from "./project-views.ts";
import { type Cap, type Project, USD_DECIMALS } from "./projects.ts";
import { deviceSignIn } from "./device-sign-in.ts";
import { openParts } from "./parts.ts";
import { publicApi } from "./public-api.ts";
import type { RunOrder, StartedRun } from "./runs.ts";
import type { SecretRead } from "./vault.ts";
import { keepRecovering } from "./keep-recovering.ts";

export interface OrchestratorOptions {
  /** All state: `orchestrator.db`, `signing-keys.json`, `vault.key`, each with mode 600. */
  dir: string;
  /** A stable name, such as "https://orchestrator.purser.localhost": what it signs as, wherever it happens to listen. */
  issuer: string;
  /** Its OAuth client id at providers; the issuer by default. */
  clientId?: string;
  /** The one user, of an orchestrator that has one. */
  user?: User;
  /** Who is signed in at the platform that this is mounted in; its own pages call `/v1/…` with nothing else. */
  identity?: Identify;
  /** In place of `identity`, where it stands in no platform: its own sign-in with an OpenID Connect issuer, at `/sign-in`. */
  signIn?: SignInOptions;
  /** Whom an agent's run asks; nobody is there when it is left out. */
  human?: Human | ((user: User) => Human);
  /** The payment method, of everybody or of each user; none when it is left out. */
  wallet?: Wallets;
  /** The wallet's book, for what budgets and caps have left. */
  ledger: Ledger;
  /** Atomic units per UTC month for a provider without a cap of its own; $100.00 by default. */
  defaultCap?: bigint;
  /** Atomic units per UTC month over all projects and providers; none by default. */
  walletCap?: bigint;
  trace?: Trace | undefined;
  /** Milliseconds since the epoch. */
  now?: () => number;
  newId?: () => string;
  /** For calls to providers. */
  fetch?: typeof globalThis.fetch;
  /** Of each call to a provider. */
  timeoutMs?: number;
}

/** The owner's side as methods; agents and providers come in through `router`. */
export interface Orchestrator extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  /** `/v1/…` for agents, and the public keys; mount it at an application's root. */
  readonly router: Router;
  /** Only the human makes a project. */
  createProject(project: { name: string; user?: User }): Project;
  projects(): Project[];
  /** The merged catalog, with a warning for each provider that cannot be used. */
  catalog(): Promise<CatalogReading>;
  /** Adds a provider by its base URL; it is read, and its payees pinned, when the catalog is next asked for. */
  addProvider(url: string): void;
  removeProvider(url: string): void;
  /**
   * Adds a provider that speaks APP 0.1d as it is published, such as one that Stripe calls: signed by HMAC alone, with the human's word on
   * what its catalog does not say. What is free there can be added.
   */
  addPlainProvider(
    provider: z.input<typeof PlainProvider> & { url: string; secrets: readonly Secret[] },
  ): Promise<void>;
  /** Signs what is sent to a provider with these shared secrets too (`Stripe-Signature`): two while one takes the other's place. */
  shareSecrets(provider: { url: string; secrets: readonly Secret[] }): Promise<void>;
  /** The human accepts the payees that a provider names now in place of those that were pinned. */
  acceptPayees(provider: string): void;
  /** Sets the cap of a project at a provider; where they are connected, the provider gets the newer mandate at once if it can. */
  setCap(cap: { project: string; provider: string; amount: bigint }): Promise<Cap>;
  /** The token is the run's only proof; it is shown once. */
  startRun(order: RunOrder): StartedRun;
  /** A new token for a run that goes on, with the budget it has left. */
  renewRun(run: { runId: string; expiresAt: number }): StartedRun;
  revokeRun(runId: string): void;
  /** Signs with a new key from ten minutes on; what earlier keys have signed stays good. Do it once a year, or when in doubt. */
  rotateKeys(): Promise<void>;
  /** Seals every secret under a new key, and forgets the old one. */
  rotateVaultKey(): Promise<void>;
  setPaymentMethod(wallet: Wallet): void;
  /** Pays what is due now; it does so by itself every minute. */
  renewDue(): Promise<void>;
  /** A session for a program of a user's, such as the command line: its token is shown once. */
  startSession(session: { user?: User; agent: string; expiresAt: number }): Secret;
  project(id: string): Promise<ProjectOverview>;
  /** Every purchase of a project, without the bytes that pay. */
  payments(project: string): Promise<PaymentReport[]>;
  /** What the human was asked, in order. */
  asks(project?: string): AskRecord[];
  /** Who read which secret, in order. */
  secretReads(project: string): SecretRead[];
  close(): Promise<void>;
}

const DEFAULT_CAP = parseDecimal("100.00", USD_DECIMALS);
const TIMEOUT_MS = 15_000;
const NOBODY: Human = { ask: () => Promise.reject(new Error("nobody is there")) };

/** Opens the orchestrator whose state lies under `dir`, or makes it, and lets the wallet resolve what a crash left open. */
export async function createOrchestrator({
  issuer,
  clientId = issuer,
  defaultCap = DEFAULT_CAP,
  now = Date.now,
  newId = randomUUID,
  fetch = globalThis.fetch,
  timeoutMs = TIMEOUT_MS,
  human = NOBODY,
  ...options
}: OrchestratorOptions): Promise<Orchestrator> {
  const db = openDatabase(join(options.dir, "orchestrator.db"));
  const parts = await openParts({
    ...options,
    db,
    issuer,
    clientId,
    defaultCap,
    now,
    newId,
    call: { fetch, timeoutMs },
    human,
    user: options.user,
    identify: options.identity,
    signIn: options.signIn,
  }).catch((error: unknown) => {
    db.close();
    throw error;
  });
  const { projects, people, runs, registry, catalog, payment, views, approvals, vault } = parts;
  const { purchaseRecovery, resources, changes } = parts;
  await purchaseRecovery.begin();
  const providerOf = async (id: string) => (await catalog.provider(id)).provider;
  // Providers may be opening just now, so nobody waits for it.
  const recoveries = [
    keepRecovering({ recover: () => purchaseRecovery.run(), everyMs: 15_000 }),
    keepRecovering({ recover: () => resources.recover(providerOf), everyMs: 60_000 }),
    keepRecovering({ recover: () => changes.recover(providerOf), everyMs: 60_000 }),
  ];
  const renewing = parts.renewals.keepRunning();
  const router = Router();
  router.use(publicApi(parts.keys));
  const { identify, signIn } = parts;
  if (signIn) router.use(signIn.router);
  router.use(
    deviceSignIn({
      db,
      sessions: parts.sessions,
      identify,
      signInPath: signIn && signInPath,
      now,
    }),
  );
  router.use("/v1", sessionApi(parts.sessionDesk));
  router.use("/v1", agentApi(parts.desk));
  const close = async () => {
    const stopped = recoveries.map((recovery) => recovery.stop());
    await purchaseRecovery.close();
    await Promise.all(stopped);
    await renewing.stop();
    await vault.ready().catch(() => undefined);
    db.close();
  };
  return {
    issuer,
    clientId,
    router,
    createProject: ({ name, user = people.owner }) => {
      people.keep(user);
      return projects.create({ name, person: user.id });
    },
    projects: () => projects.list(),
    catalog: () => catalog.read(),
    addProvider: (url) => {
      registry.add(url);
      catalog.expire();
    },
    addPlainProvider: async ({ url, secrets, ...said }) => {
      const baseUrl = registry.addPlain(url, read(PlainProvider, said));
      await parts.secrets.set(baseUrl, secrets);
      catalog.expire();
    },
    shareSecrets: ({ url, secrets }) => parts.secrets.set(url, secrets),
    removeProvider: (url) => {
      registry.remove(url);
      catalog.expire();
    },
    acceptPayees: (provider) => {
      registry.forgetPayees(provider);
      catalog.expire();
    },
    setCap: parts.setCap,
    startRun: (order) => {
      projects.get(order.project);
      return runs.start(order);
    },
    renewRun: (run) => runs.renew(run),
    revokeRun: (runId) => runs.revoke(runId),
    rotateKeys: () => parts.keys.rotate(),
    rotateVaultKey: () => vault.rotateKey(),
    renewDue: () => parts.renewals.run(),
    setPaymentMethod: (wallet) => payment.set(wallet),
    startSession: ({ user = people.owner, ...session }) =>
      parts.sessions.start({ user, ...session }),
    project: (id) => views.ofOwner(id),
    payments: (project) => views.payments(project),
    asks: (project) => approvals.list(project),
    secretReads: (project) => vault.reads(project),
    close,
    [Symbol.asyncDispose]: close,
  };
}
