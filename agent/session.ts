/**
 * What the tools of one run share: the way to the orchestrator, the catalog, accounts at providers, the sites deployed so
 * far, and how the run finished. Tokens live here, out of the model's sight; the tools' outputs are scrubbed of them.
 */
import {
  type Account,
  type Catalog,
  type CatalogEnvelope,
  type ErrorBody,
  OrchestratorClient,
  type ProjectStatus,
  type Secret,
  toErrorBody,
  type Trace,
} from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import type { Finish } from "./finish.ts";
import { Scrubber } from "./scrubber.ts";

/** A Worker that this run deployed, and where its provider says it can be reached. */
export interface Site {
  name: string;
  url: string;
  hostname: string;
  /** The provider's own base URL: where that is on this machine, the site may be too. */
  providerUrl: string;
  /** True once `verify_url` saw it answer as expected. */
  verified: boolean;
}

export interface SessionOptions {
  orchestratorUrl: string;
  token: Secret;
  fetch: typeof fetch;
  trace: Trace;
  now: () => number;
  signal: AbortSignal;
  /** A folder of the user's own, whose parts the agent may deploy. */
  workspace?: string | undefined;
  /** Only for the naive calibration agent: 402s are paid without being compared with the catalog. */
  uncheckedOffers?: boolean | undefined;
}

export class Session {
  readonly options: SessionOptions;
  readonly orchestrator: OrchestratorClient;
  readonly scrubber = new Scrubber();
  readonly sites = new Map<string, Site>();
  finish: Finish | undefined;
  /** The tools' errors in order. */
  readonly errors: ErrorBody[] = [];
  questions = 0;
  #catalog: Promise<Catalog> | undefined;
  #projectId: Promise<string> | undefined;
  readonly #accounts = new Map<string, Account>();

  constructor(options: SessionOptions) {
    this.options = options;
    const { orchestratorUrl: url, token, fetch, signal } = options;
    this.scrubber.hold(token);
    this.orchestrator = new OrchestratorClient({ url, token, fetch, signal });
  }

  /** Reads the catalog anew; until the next time, `catalog` gives this one. */
  async readCatalog(): Promise<CatalogEnvelope> {
    const envelope = await this.orchestrator.catalog();
    this.#catalog = Promise.resolve(envelope.data);
    return envelope;
  }

  catalog(): Promise<Catalog> {
    this.#catalog ??= this.orchestrator.catalog().then(({ data }) => data);
    this.#catalog.catch(() => (this.#catalog = undefined));
    return this.#catalog;
  }

  /** The project as it is now. */
  async readProject(): Promise<ProjectStatus> {
    return this.orchestrator.status(await this.projectId());
  }

  /** The one that the run's token is for: to a run there are no others. */
  projectId(): Promise<string> {
    this.#projectId ??= this.orchestrator.projects().then(([own]) => {
      if (own) return own.id;
      throw new AgentError("PROJECT_MISSING", {
        problem: "The orchestrator names no project that this run may work in.",
        nextStep: "Start the run with a token that startRun gave for a project.",
      });
    });
    this.#projectId.catch(() => (this.#projectId = undefined));
    return this.#projectId;
  }

  /** The account at a provider, opened if there is none; `fresh` fetches its token anew after the provider refused it. */
  async account(provider: string, { fresh = false } = {}): Promise<Account> {
    const known = this.#accounts.get(provider);
    if (known && !fresh) return known;
    const { credential } = await this.orchestrator.connect(await this.projectId(), { provider });
    const account = await this.orchestrator.account(credential);
    this.scrubber.hold(account.token);
    this.#accounts.set(provider, account);
    return account;
  }

  /** A secret of a resource, by its handle. */
  async reveal(handle: string): Promise<Secret> {
    return this.scrubber.hold((await this.orchestrator.account(handle)).token);
  }

  /** The site of that name, or the last one. */
  site(name?: string): Site | undefined {
    return name === undefined ? [...this.sites.values()].at(-1) : this.sites.get(name);
  }

  /** Records a tool's error and gives it the form that the model sees. */
  fail(error: unknown): ErrorBody {
    const body = this.scrubber.scrub(toErrorBody(error));
    this.errors.push(body);
    return body;
  }
}
