/**
 * Everything that the human is asked goes through here, so that every ask is recorded, counted and traced. What the human has
 * declined stays declined for the rest of the run: an agent that asks again does not make a person click again.
 */
import {
  type AgentScope,
  type HumanAsk,
  type HumanAskKind,
  type Human,
  type Trace,
} from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { AccountConfiguration } from "./account-configuration.ts";
import { OrchestratorError } from "./error.ts";
import { Serial } from "./serial.ts";

/** A recorded ask. */
export interface AskRecord {
  project: string;
  run: string;
  kind: HumanAskKind;
  provider: string | null;
  question: string;
  answer: string;
  /** Milliseconds since the epoch. */
  askedAt: number;
}

/** For whom the human is asked. */
export interface Asker {
  project: string;
  /** The run's id, or the session's name. */
  id: string;
  /** The name by which the agent's consents are kept. */
  agent: string;
  /** Of an account that the call may make. */
  configuration?: AccountConfiguration | undefined;
  /** A call of a person's own program: nobody is asked, and what the person has said already came with the call. */
  session?: {
    acceptTerms: string | undefined;
    /** The call is the person's word that this agent may use the account. */
    grants?: boolean;
    scopes?: readonly AgentScope[] | undefined;
  };
}

const COLUMNS = "project, run, kind, provider, question, answer, asked_at AS askedAt";

export class Approvals {
  readonly #db: Database;
  readonly #human: (project: string) => Human;
  readonly #trace: Trace | undefined;
  readonly #now: () => number;
  readonly #serial = new Serial();

  constructor({ db, human, trace, now }: ApprovalsOptions) {
    this.#db = db;
    this.#human = human;
    this.#trace = trace;
    this.#now = now;
  }

  /** Asks for a yes or a no. `subject` names what it is about: a no to it holds for the run. */
  approve(asker: Asker, ask: HumanAsk, subject: string): Promise<boolean> {
    return this.#serial.run(`${asker.id} ${subject}`, async () => {
      const declined = this.#db
        .query<{ id: number }>(
          "SELECT id FROM ask WHERE run = ? AND subject = ? AND answer <> 'accept'",
        )
        .get(asker.id, subject);
      if (declined) return false;
      return (await this.#ask(asker, ask, subject)) === "accept";
    });
  }

  /** Asks for words. */
  question(asker: Asker, ask: HumanAsk): Promise<string> {
    return this.#ask(asker, ask, null);
  }

  /** Writes down what a person said in a call of their own program, where nobody was asked. */
  record(asker: Asker, ask: HumanAsk, subject: string): void {
    this.#keep(asker, ask, subject, "accept");
  }

  list(project?: string): AskRecord[] {
    const where = project === undefined ? "" : "WHERE project = ?";
    return this.#db
      .query<AskRecord>(`SELECT ${COLUMNS} FROM ask ${where} ORDER BY id`)
      .all(...(project === undefined ? [] : [project]));
  }

  async #ask(asker: Asker, ask: HumanAsk, subject: string | null): Promise<string> {
    const answer = await this.#answer(asker, ask);
    this.#keep(asker, ask, subject, answer);
    return answer;
  }

  #keep(asker: Asker, ask: HumanAsk, subject: string | null, answer: string): void {
    const { kind, question, provider } = ask;
    this.#db.run(
      "INSERT INTO ask (project, run, subject, kind, provider, question, answer, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      asker.project,
      asker.id,
      subject,
      kind,
      provider ?? null,
      question,
      answer,
      this.#now(),
    );
    this.#trace?.append({
      type: "human",
      kind,
      question,
      answer,
      ...(provider === undefined ? {} : { provider }),
    });
  }

  async #answer({ project }: Asker, ask: HumanAsk): Promise<string> {
    try {
      return (await this.#human(project).ask(ask)).answer;
    } catch (cause) {
      throw new OrchestratorError("HUMAN_UNAVAILABLE", {
        problem: `The human could not be asked: ${ask.question.slice(0, 200)}`,
        nextStep: "Go on without what needed the answer, or try again when somebody is there.",
        details: { kind: ask.kind },
        cause,
      });
    }
  }
}

export interface ApprovalsOptions {
  db: Database;
  /** Of the project's owner. */
  human: (project: string) => Human;
  trace: Trace | undefined;
  now: () => number;
}
