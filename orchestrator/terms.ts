/**
 * A provider's terms are the human's to accept, once for each version; the orchestrator signs that they were accepted only when
 * they were. An acceptance is durable and holds for all projects of the user.
 */
import type { ProviderProfile, TermsEvidence } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import { invalid } from "./provider-call.ts";
import { Serial } from "./serial.ts";

export interface TermsVersion {
  tos_url: string;
  tos_version: string;
}

export class Terms {
  readonly #db: Database;
  readonly #approvals: Approvals;
  readonly #now: () => number;
  readonly #serial = new Serial();

  constructor({ db, approvals, now }: { db: Database; approvals: Approvals; now: () => number }) {
    this.#db = db;
    this.#approvals = approvals;
    this.#now = now;
  }

  /** The evidence that the human accepted this version, asking if need be; or `TERMS_DECLINED`. */
  accept(asker: Asker, profile: ProviderProfile, terms: TermsVersion): Promise<TermsEvidence> {
    // Two projects that want the same provider at once ask one human once.
    return this.#serial.run(`${profile.id} ${terms.tos_version}`, async () => {
      const accepted = this.#find(profile.id, terms.tos_version);
      if (accepted) return accepted;
      await this.#ask(asker, profile, terms);
      return this.#keep(profile.id, terms.tos_version);
    });
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
    if (await this.#approvals.approve(asker, ask, `terms ${id} ${tos_version}`)) return;
    throw new OrchestratorError("TERMS_DECLINED", {
      problem: `The human did not accept the terms of service of ${id}; no account was made and nothing was spent.`,
      nextStep: "Use another provider, or finish without one: the human has decided.",
      details: { provider: id, ...facts },
    });
  }

  #keep(provider: string, version: string): TermsEvidence {
    const at = this.#now();
    this.#db.run(
      "INSERT INTO terms (provider, version, accepted_at) VALUES (?, ?, ?)",
      provider,
      version,
      at,
    );
    return evidence(version, at);
  }

  #find(provider: string, version: string): TermsEvidence | undefined {
    const row = this.#db
      .query<{ acceptedAt: number }>(
        "SELECT accepted_at AS acceptedAt FROM terms WHERE provider = ? AND version = ?",
      )
      .get(provider, version);
    return row && evidence(version, row.acceptedAt);
  }
}

function evidence(version: string, acceptedAt: number): TermsEvidence {
  return { version, accepted_at: new Date(acceptedAt).toISOString(), accepted_by: "user" };
}
