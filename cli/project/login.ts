/**
 * `purser login` and `logout`: a session with an orchestrator by device code (RFC 8628). In a terminal it waits for the person;
 * otherwise it prints where to go and ends, and `login --complete-device` goes on. Exit code 0 means signed in, or where to sign in.
 */
import {
  OrchestratorClient,
  pollDeviceLogin,
  type Secret,
  startDeviceLogin,
} from "../../protocol/index.ts";
import type { Answer } from "./envelope.ts";
import { isSessionRefusal, isUnreachable } from "./explain.ts";
import { type Asked, keepAsking } from "./keep-asking.ts";
import { openBrowser } from "./open-browser.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { type PendingLogin, SessionsFile } from "./sessions-file.ts";

export interface LoginFlags extends ProjectFlags {
  completeDevice?: true;
  newSession?: true;
}

const CLIENT = "purser-cli";
const COMPLETE_WAIT_MS = 60_000;

export async function login(command: ProjectCommand<LoginFlags>): Promise<Answer> {
  const { flags, surroundings, tool } = command;
  const address = command.address();
  const { url } = address;
  const file = new SessionsFile(surroundings.env);
  const options = { url, fetch: globalThis.fetch, signal: surroundings.signal };
  const again = `${tool === "purser" ? "purser" : "stripe"} login --complete-device${flags.orchestrator === undefined ? "" : ` --orchestrator ${url}`}`;
  if (flags.completeDevice) {
    const pending = file.pending(url);
    if (!pending) throw nothingPending(again);
    return finish(command, pending, { file, again, waitMs: COMPLETE_WAIT_MS });
  }
  if (!flags.newSession && address.token) {
    const { user } = await command.client().session();
    return {
      data: { orchestrator: url, user, already_signed_in: true },
      lines: [`Already signed in with ${url} as ${user.email}.`],
    };
  }
  const started = await startDeviceLogin(CLIENT, options);
  const { device_code, interval, user_code, expires_in } = started;
  const page = started.verification_uri_complete ?? started.verification_uri;
  file.keep(url, { pending: { device_code, interval } });
  if (!command.mayWait) {
    return {
      data: { browser_url: page, verification_code: user_code, next_step: again },
      // As JSON also without --json: that is what is published for a login without a person at the terminal.
      lines: [
        JSON.stringify({ browser_url: page, verification_code: user_code, next_step: again }),
      ],
      bare: true,
    };
  }
  surroundings.terminal.note(`Open ${page} and confirm the code ${user_code}.`);
  openBrowser(page, surroundings.env);
  return finish(command, { device_code, interval }, { file, again, waitMs: expires_in * 1000 });
}

interface Finish {
  file: SessionsFile;
  again: string;
  waitMs: number;
}

async function finish(
  command: ProjectCommand<LoginFlags>,
  pending: PendingLogin,
  { file, again, waitMs }: Finish,
): Promise<Answer> {
  const { signal, clock } = command.surroundings;
  const { url } = command.address();
  const options = { url, fetch: globalThis.fetch, signal };
  let seconds = pending.interval;
  const ask = async (): Promise<Asked<Secret>> => {
    const answer = await pollDeviceLogin(pending, CLIENT, options);
    if (answer.state === "signed_in") return { answer: answer.token };
    if (answer.state === "declined" || answer.state === "expired") {
      file.forget(url);
      throw ended(answer.state, again);
    }
    if (answer.state === "slow_down") seconds += 5;
    return { againInMs: seconds * 1000 };
  };
  const patience = { signal, clock, longestMs: waitMs, stepMs: seconds * 1000, atOnce: true };
  const token = await keepAsking(ask, patience).catch((error: unknown) => {
    throw isUnreachable(error) ? unanswered(url, again, error) : error;
  });
  if (!token) throw timeout(again);
  file.keep(url, { token });
  const { user } = await new OrchestratorClient({ ...options, token }).session();
  return {
    data: { orchestrator: url, user },
    lines: [`Signed in with ${url} as ${user.email}.`],
    nextSteps: [
      `${command.tool} init${command.flags.orchestrator === undefined ? "" : ` --orchestrator ${url}`}`,
    ],
  };
}

export async function logout(command: ProjectCommand): Promise<Answer> {
  const { url, token, world } = command.address();
  if (world !== undefined) {
    throw new ProjectError("NOT_SUPPORTED", {
      problem: "A local world has one person, who is signed in while it is up.",
      nextStep: "End it with Ctrl-C where `purser up` runs.",
    });
  }
  if (token) await command.client().endSession();
  new SessionsFile(command.surroundings.env).forget(url);
  return { data: { orchestrator: url, signed_out: true }, lines: [`Signed out of ${url}.`] };
}

/** Whoever is signed in is signed out first, so that nothing is done in the wrong person's name meanwhile. */
export async function switchAccount(command: ProjectCommand<LoginFlags>): Promise<Answer> {
  const given = command.surroundings.env["PURSER_SESSION"] ?? "";
  if (given !== "") {
    throw new ProjectError("NOT_SUPPORTED", {
      problem: "The session is the one that PURSER_SESSION gives.",
      nextStep: "Give that another session, or unset it.",
    });
  }
  try {
    await logout(command);
  } catch (error) {
    // It had ended by itself.
    if (!isSessionRefusal(error)) throw error;
    new SessionsFile(command.surroundings.env).forget(command.address().url);
  }
  return login(command);
}

function ended(state: "declined" | "expired", again: string): ProjectError {
  const login = again.replace(" --complete-device", "");
  return new ProjectError(state === "declined" ? "AUTH_DECLINED" : "BROWSER_AUTH_TIMEOUT", {
    problem:
      state === "declined" ? "The sign-in was declined." : "The code has expired or was used.",
    nextStep: `Begin again with \`${login}\`.`,
    nextSteps: [login],
  });
}

function timeout(again: string): ProjectError {
  return new ProjectError("BROWSER_AUTH_TIMEOUT", {
    problem: "The person has not consented yet.",
    nextStep: `Ask the person to finish in the browser, then run \`${again}\`.`,
    nextSteps: [again],
  });
}

/** What was begun lies in the file still. */
function unanswered(url: string, again: string, cause: unknown): ProjectError {
  return new ProjectError("ORCHESTRATOR_UNREACHABLE", {
    problem: `The orchestrator at ${url} does not answer, so it is not known whether the person has consented.`,
    nextStep: `See that it is up, then run \`${again}\`.`,
    nextSteps: [again],
    details: { orchestrator: url },
    cause,
  });
}

function nothingPending(again: string): ProjectError {
  const login = again.replace(" --complete-device", "");
  return new ProjectError("BROWSER_AUTH_REQUIRED", {
    problem: "No sign-in is waiting for its consent.",
    nextStep: `Begin one with \`${login} --non-interactive\`.`,
    nextSteps: [`${login} --non-interactive`],
  });
}
