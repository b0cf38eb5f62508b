/**
 * A consent is a person's word that one agent may use the project's account at one provider, for what its scopes name, without being
 * asked again, until it is revoked. Agents that share an account have a consent each, and may have different scopes.
 */
import type { AgentScope, ConsentView } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";

/** Acts in the owner's name, for work that only the owner can start. No agent can be called this. */
export const OWNER = "(owner)";

interface Row {
  id: string;
  provider: string;
  agent: string;
  scopes: string;
  grantedAt: number;
  revokedAt: number | null;
}

const COLUMNS = "id, provider, agent, scopes, granted_at AS grantedAt, revoked_at AS revokedAt";

export class Consents {
  readonly #parts: ConsentsOptions;

  constructor(parts: ConsentsOptions) {
    this.#parts = parts;
  }

  list(project: string): ConsentView[] {
    return this.#parts.db
      .query<Row>(`SELECT ${COLUMNS} FROM consent WHERE project = ? ORDER BY granted_at, rowid`)
      .all(project)
      .map(view);
  }

  /** Replaces what the agent had. */
  grant({ project, provider, agent, scopes }: Grant): ConsentView {
    const { db, now, newId } = this.#parts;
    const id = `con_${newId()}`;
    return db.transaction(() => {
      db.run(
        "UPDATE consent SET revoked_at = ? WHERE project = ? AND provider = ? AND agent = ? AND revoked_at IS NULL",
        now(),
        project,
        provider,
        agent,
      );
      db.run(
        "INSERT INTO consent (id, project, provider, agent, scopes, granted_at) VALUES (?, ?, ?, ?, ?, ?)",
        id,
        project,
        provider,
        agent,
        JSON.stringify(scopes),
        now(),
      );
      return this.#read(project, id);
    });
  }

  revoke(project: string, id: string): ConsentView {
    const { db, now } = this.#parts;
    db.run(
      "UPDATE consent SET revoked_at = coalesce(revoked_at, ?) WHERE project = ? AND id = ?",
      now(),
      project,
      id,
    );
    return this.#read(project, id);
  }

  revokeAll(project: string, provider: string): void {
    this.#parts.db.run(
      "UPDATE consent SET revoked_at = ? WHERE project = ? AND provider = ? AND revoked_at IS NULL",
      this.#parts.now(),
      project,
      provider,
    );
  }

  /** Throws `SCOPE_MISSING` where the agent has a consent that does not reach so far. */
  checkScope({ project, agent }: Asker, provider: string, scope: AgentScope): void {
    const held = this.find({ project, provider, agent });
    if (!held || held.scopes.includes("account") || held.scopes.includes(scope)) return;
    throw new OrchestratorError("SCOPE_MISSING", {
      problem: `The consent of the agent "${agent}" at ${provider} does not cover "${scope}".`,
      nextStep: "Ask the person to widen the consent.",
      details: { provider, agent, scope },
    });
  }

  /** Lets an agent use the account that there is: silently where it has a consent; otherwise a person is asked, each time anew. */
  async admit(asker: Asker, provider: string): Promise<void> {
    const { project, agent } = asker;
    if (agent === OWNER || this.find({ project, provider, agent })) return;
    const facts = { provider, agent };
    const question = `May the agent "${agent}" use this project's account at ${provider}?`;
    const ask = { kind: "consent" as const, provider, question, facts };
    const agreed =
      asker.session === undefined
        ? await this.#parts.approvals.approve(asker, ask, `use ${provider}`)
        : asker.session.grants === true;
    if (!agreed) throw consentMissing(facts);
    this.grant({ project, provider, agent, scopes: asker.session?.scopes ?? ["account"] });
  }

  /** Throws `AGENT_NOT_ADMITTED` where nobody is there to be asked about an agent that was never let in. */
  mayAsk({ agent, session }: Asker, provider: string): void {
    if (session && session.grants !== true) throw consentMissing({ provider, agent });
  }

  /** What the agent may do now, if anything. */
  find({ project, provider, agent }: Omit<Grant, "scopes">): ConsentView | undefined {
    const row = this.#parts.db
      .query<Row>(
        `SELECT ${COLUMNS} FROM consent WHERE project = ? AND provider = ? AND agent = ? AND revoked_at IS NULL`,
      )
      .get(project, provider, agent);
    return row && view(row);
  }

  #read(project: string, id: string): ConsentView {
    const row = this.#parts.db
      .query<Row>(`SELECT ${COLUMNS} FROM consent WHERE project = ? AND id = ?`)
      .get(project, id);
    if (row) return view(row);
    throw new OrchestratorError("CONSENT_UNKNOWN", {
      problem: `The project has no consent "${id.slice(0, 100)}".`,
      nextStep: "List the project's consents.",
    });
  }
}

interface Grant {
  project: string;
  provider: string;
  agent: string;
  scopes: readonly AgentScope[];
}

export interface ConsentsOptions {
  db: Database;
  approvals: Approvals;
  now: () => number;
  newId: () => string;
}

function view({ id, provider, agent, scopes, grantedAt, revokedAt }: Row): ConsentView {
  return {
    id,
    provider,
    agent,
    scopes: JSON.parse(scopes) as AgentScope[],
    granted_at: new Date(grantedAt).toISOString(),
    revoked_at: revokedAt === null ? null : new Date(revokedAt).toISOString(),
  };
}

function consentMissing(facts: Record<string, string>): OrchestratorError {
  return new OrchestratorError("AGENT_NOT_ADMITTED", {
    problem: `The person has not let the agent "${facts["agent"]}" use the account at ${facts["provider"]}.`,
    nextStep: "Ask the person to link the provider for this agent.",
    details: facts,
  });
}
