/**
 * What every project command has in common: it finds the project's folder, the orchestrator and the session, does its work, and
 * answers. Whether it may ask a person is decided here, once: only in a terminal, and never with --json, --non-interactive or --yes.
 */
import { type HumanAsk, type ProjectStatus, OrchestratorClient } from "../../protocol/index.ts";
import type { ExitCode } from "../exit.ts";
import type { Surroundings } from "../surroundings.ts";
import { terminalHuman } from "../terminal-human.ts";
import { type Answer, type Outlet, printAnswer, printRefusal } from "./envelope.ts";
import { explain, isSessionRefusal, signInFirst, unreachable } from "./explain.ts";
import { findOrchestrator, type OrchestratorAddress } from "./orchestrator-address.ts";
import { ProjectError } from "./project-error.ts";
import { findRoot, readState, writeState } from "./project-folder.ts";
import { type NamedResource, nameResources, type ProjectState } from "./project-state.ts";

/** Every project command takes them. */
export interface ProjectFlags {
  yes?: true;
  nonInteractive?: true;
  /** False with --no-interactive. */
  interactive?: boolean;
  acceptTos?: true;
  confirmPaidService?: true;
  orchestrator?: string;
}

/** Nobody is asked in these calls; what takes longer is made or paid at the orchestrator all the same, and found by the next try. */
const CHANGE_TIMEOUT_MS = 2 * 60 * 1000;

/** The project that the folder belongs to. */
export interface OpenProject {
  root: string;
  state: ProjectState;
  id: string;
}

export class ProjectCommand<Flags extends ProjectFlags = ProjectFlags> {
  readonly flags: Flags;
  readonly surroundings: Surroundings;
  readonly tool: string;
  /** The orchestrator that was found, for what is told of its refusals. */
  found: OrchestratorAddress | undefined;
  #authenticated = false;
  #initialized = false;

  constructor(flags: Flags, surroundings: Surroundings) {
    this.flags = flags;
    this.surroundings = surroundings;
    this.tool = surroundings.tool ?? "purser";
  }

  /** The project's folder, whether or not the orchestrator knows it yet. */
  get root(): string | undefined {
    return findRoot(this.surroundings.cwd);
  }

  /** The session turned out to be none. */
  signedOut(): void {
    this.#authenticated = false;
  }

  get meta() {
    return { authenticated: this.#authenticated, project_initialized: this.#initialized };
  }

  /** Asks the person yes or no; undefined where nobody may be asked. */
  async ask(ask: HumanAsk): Promise<boolean | undefined> {
    const answer = await this.#answer(ask);
    return answer === undefined ? undefined : answer === "accept";
  }

  /** The person's choice, or other words of theirs; undefined where nobody may be asked. */
  choose(question: string, choices: string[]): Promise<string | undefined> {
    return this.#answer({ kind: "question", question, choices });
  }

  async #answer(ask: HumanAsk): Promise<string | undefined> {
    if (!this.mayAsk) return undefined;
    const { terminal, signal } = this.surroundings;
    const human = terminalHuman(terminal, { input: process.stdin, output: process.stderr, signal });
    return (await human.ask(ask)).answer;
  }

  get mayAsk(): boolean {
    return this.mayWait && !this.flags.yes;
  }

  /** Somebody is there, who may take their time. */
  get mayWait(): boolean {
    const { terminal, json } = this.surroundings;
    const { nonInteractive = false, interactive = true } = this.flags;
    return terminal.interactive && !json && !nonInteractive && interactive;
  }

  /** Throws `ORCHESTRATOR_UNKNOWN`. */
  address(): OrchestratorAddress {
    const { env, cwd } = this.surroundings;
    const { root } = this;
    const local = root === undefined ? undefined : readState(root).local;
    const sources = { flag: this.flags.orchestrator, env, local, cwd, tool: this.tool };
    this.found = findOrchestrator(sources);
    return this.found;
  }

  /** With the person's session; throws `BROWSER_AUTH_REQUIRED` where there is none. */
  client(): OrchestratorClient {
    const address = this.address();
    const { url, token } = address;
    if (token === undefined) {
      // A world that is closed has nobody to sign in with.
      throw address.knownWorld === undefined
        ? signInFirst(address, this.tool)
        : unreachable(address);
    }
    this.#authenticated = true;
    const { signal } = this.surroundings;
    const { fetch } = globalThis;
    return new OrchestratorClient({
      url,
      token,
      fetch,
      signal,
      changeTimeoutMs: CHANGE_TIMEOUT_MS,
    });
  }

  /** Throws `NO_PROJECT_CONFIG` or `PROJECT_NOT_INITIALIZED`. */
  project(): OpenProject {
    const { root } = this;
    if (root === undefined) {
      throw new ProjectError("NO_PROJECT_CONFIG", {
        problem: "No project is initialized in this folder or above.",
        nextStep: `Run \`${this.tool} init\` first.`,
        nextSteps: [`${this.tool} init`],
      });
    }
    const state = readState(root);
    const id = state.local.project?.id;
    if (id === undefined) {
      throw new ProjectError("PROJECT_NOT_INITIALIZED", {
        problem: "This checkout's project is not known to an orchestrator yet.",
        nextStep: `Run \`${this.tool} init\`, which goes on where an earlier one ended.`,
        nextSteps: [`${this.tool} init`],
      });
    }
    this.#initialized = true;
    return { root, state, id };
  }

  /** The project as the orchestrator knows it, under the names of this folder, whose files are brought up to date. */
  async read(
    client: OrchestratorClient,
    { root, state, id }: OpenProject,
  ): Promise<{ status: ProjectStatus; named: NamedResource[] }> {
    const status = await client.status(id);
    const named = nameResources(state, status);
    writeState(root, state);
    return { status, named };
  }
}

/** Runs the work and prints its answer or its refusal. */
export async function runProjectCommand<Flags extends ProjectFlags>(
  name: string,
  flags: Flags,
  surroundings: Surroundings,
  work: (command: ProjectCommand<Flags>) => Promise<Answer>,
): Promise<ExitCode> {
  const command = new ProjectCommand(flags, surroundings);
  const { terminal, json } = surroundings;
  const outlet: Outlet = { terminal, json, command: name, tool: command.tool };
  let answer: Answer;
  try {
    answer = await work(command);
  } catch (error) {
    if (isSessionRefusal(error)) command.signedOut();
    const { tool } = command;
    return printRefusal(explain(error, { tool, address: command.found }), command.meta, outlet);
  }
  return printAnswer(answer, command.meta, outlet);
}
