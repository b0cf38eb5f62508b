/**
 * A provider's terms are the human's to accept, once for each version; the orchestrator signs that they were accepted only when
 * they were. An acceptance is durable and holds for all projects of the user.
 */
import type { ProviderProfile, TermsEvidence } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import type { People } from "./people.ts";
import { invalid } from "./provider-call.ts";
import { Serial } from "./serial.ts";

export interface TermsVersion {
  tos_url: string;
  tos_version: string;
}

export class Terms {
  readonly #db: Database;
  readonly #people: People;
  readonly #approvals: Approvals;
  readonly #now: () => number;
  readonly #serial = new Serial();

  constructor({ db, people, approvals, now }: TermsOptions) {
    this.#db = db;
    this.#people = people;
    this.#approvals = approvals;
    this.#now = now;
  }

  /** The evidence that the human accepted this version, asking if need be; or `TERMS_DECLINED`. */
  accept(asker: Asker, profile: ProviderProfile, terms: TermsVersion): Promise<TermsEvidence> {
    // Two projects that want the same provider at once ask one human once.
    const { id: person } = this.#people.ofProject(asker.project);
    const acceptance = { person, provider: profile.id, version: terms.tos_version };
    return this.#serial.run(JSON.stringify(acceptance), async () => {
      const accepted = this.#find(acceptance);
      if (accepted) return accepted;
      await this.#ask(asker, profile, terms);
      return this.#keep(acceptance);
    });
  }

  isAccepted(project: string, provider: string, version: string): boolean {
    const { id: person } = this.#people.ofProject(project);
    return this.#find({ person, provider, version }) !== undefined;
  }

  async #ask(
    asker: Asker,
    { id, name }: ProviderProfile,
    { tos_url, tos_version }: TermsVersion,
  ): Promise<void> {
    const url = URL.parse(tos_url);
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      throw invalid(`The terms of ${id} are not at the address of a web page.`);
    }
    const facts = { tos_url: url.href, tos_version };
    const question = `Do you accept the terms of service of ${JSON.stringify(name)}, version ${JSON.stringify(tos_version)}, at ${url.href}?`;
    const ask = { kind: "terms" as const, provider: id, question, facts };
    const subject = `terms ${id} ${tos_version}`;
    if (asker.session) {
      if (asker.session.acceptTerms !== tos_version) throw acceptanceRequired(id, facts);
      this.#approvals.record(asker, ask, subject);
      return;
    }
    if (await this.#approvals.approve(asker, ask, subject)) return;
    throw new OrchestratorError("TERMS_DECLINED", {
      problem: `The human did not accept the terms of service of ${id}; no account was made and nothing was spent.`,
      nextStep: "Use another provider, or finish without one: the human has decided.",
      details: { provider: id, ...facts },
    });
  }

  #keep({ person, provider, version }: Acceptance): TermsEvidence {
    const at = this.#now();
    this.#db.run(
      "INSERT INTO terms (person, provider, version, accepted_at) VALUES (?, ?, ?, ?)",
      person,
      provider,
      version,
      at,
    );
    return evidence(version, at);
  }

  #find({ person, provider, version }: Acceptance): TermsEvidence | undefined {
    const row = this.#db
      .query<{ acceptedAt: number }>(
        "SELECT accepted_at AS acceptedAt FROM terms WHERE person = ? AND provider = ? AND version = ?",
      )
      .get(person, provider, version);
    return row && evidence(version, row.acceptedAt);
  }
}

function acceptanceRequired(provider: string, facts: Record<string, string>): OrchestratorError {
  return new OrchestratorError("TOS_ACCEPTANCE_REQUIRED", {
    problem: `The terms of service of ${provider} must be accepted by the person first.`,
    nextStep: "Show the person the terms, and send accept_terms with the version they accept.",
    details: { provider, ...facts, confirmations_required: "tos" },
  });
}

interface Acceptance {
  person: string;
  provider: string;
  version: string;
}

export interface TermsOptions {
  db: Database;
  people: People;
  approvals: Approvals;
  now: () => number;
}

function evidence(version: string, acceptedAt: number): TermsEvidence {
  return { version, accepted_at: new Date(acceptedAt).toISOString(), accepted_by: "user" };
}
