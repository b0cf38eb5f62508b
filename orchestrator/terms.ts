/**
 * A provider's terms are the human's to accept, once for each version; the orchestrator signs that they were accepted only when
 * they were. An acceptance is durable and holds for all projects of the user.
 */
import type { ProviderProfile, TermsEvidence } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";

export interface TermsVersion {
  tos_url: string;
  tos_version: string;
}

export class Terms {
  readonly #db: Database;
  readonly #approvals: Approvals;
  readonly #now: () => number;

  constructor({ db, approvals, now }: { db: Database; approvals: Approvals; now: () => number }) {
    this.#db = db;
    this.#approvals = approvals;
    this.#now = now;
  }

  /** The evidence that the human accepted this version, asking if need be; or `TERMS_DECLINED`. */
  async accept(
    asker: Asker,
    profile: ProviderProfile,
    { tos_url, tos_version }: TermsVersion,
  ): Promise<TermsEvidence> {
    const accepted = this.#find(profile.id, tos_version);
    if (accepted) return accepted;
    const answer = await this.#approvals.approve(
      asker,
      {
        kind: "terms",
        provider: profile.id,
        question: `Do you accept the terms of service of ${JSON.stringify(profile.name)}, version ${JSON.stringify(tos_version)}, at ${tos_url}?`,
        facts: { tos_url, tos_version },
      },
      `terms ${profile.id} ${tos_version}`,
    );
    if (!answer) {
      throw new OrchestratorError("TERMS_DECLINED", {
        problem: `The human did not accept the terms of service of ${profile.id}; no account was made and nothing was spent.`,
        nextStep: "Use another provider, or finish without one: the human has decided.",
        details: { provider: profile.id, tos_url, tos_version },
      });
    }
    this.#db.run(
      "INSERT INTO terms (provider, version, accepted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      profile.id,
      tos_version,
      this.#now(),
    );
    return this.#find(profile.id, tos_version) as TermsEvidence;
  }

  #find(provider: string, version: string): TermsEvidence | undefined {
    const row = this.#db
      .query<{ acceptedAt: number }>(
        "SELECT accepted_at AS acceptedAt FROM terms WHERE provider = ? AND version = ?",
      )
      .get(provider, version);
    if (!row) return undefined;
    const accepted_at = new Date(row.acceptedAt).toISOString();
    return { version, accepted_at, accepted_by: "user" };
  }
}
