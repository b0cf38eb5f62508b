/**
 * `purser link`, `unlink` and `open`: the project's account at a provider. Where the account exists already its owner consents in a
 * browser or with a code; a command that may not wait says where, and is run again afterwards.
 */
import { type ConnectionView, PurserError } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import { confirmOnce, withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { readJsonFlag } from "./json-flag.ts";
import { type Asked, keepAsking } from "./keep-asking.ts";
import { openBrowser } from "./open-browser.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";

export interface LinkFlags extends ProjectFlags {
  force?: true;
  config?: string;
  providerInfo?: string;
}

const LONGEST_MS = 10 * 60 * 1000;
/** Where the provider does not say (RFC 8628's `interval`), and at the most. */
const STEP_S = 3;
const LONGEST_STEP_S = 60;

export async function link(command: ProjectCommand<LinkFlags>, provider: string): Promise<Answer> {
  const project = command.project();
  const client = command.client();
  const line = `${command.tool} link ${provider}`;
  const configuration = {
    ...readJsonFlag("--config", command.flags.config),
    ...readJsonFlag("--provider-info", command.flags.providerInfo),
  };
  const before = await client.status(project.id);
  if (command.flags.force) await client.disconnect(project.id, provider);
  const connection = await consented(command, line, () =>
    withWord(command, line, ({ accept_terms }) =>
      client.connect(project.id, {
        provider,
        configuration,
        ...(accept_terms && { accept_terms }),
      }),
    ),
  );
  await command.read(client, project);
  const known = before.connections.some((one) => one.provider === provider);
  return {
    data: { ...connection },
    lines: [`Linked ${provider}: account ${connection.account_id}`],
    warnings: settingsUnused(provider, configuration, known),
    nextSteps: [`${command.tool} catalog ${provider}`],
  };
}

/** Settings are a new account's: one that was there already keeps its own. */
export function settingsUnused(
  provider: string,
  settings: Readonly<Record<string, string>>,
  known: boolean,
): string[] {
  return known && Object.keys(settings).length > 0
    ? [`The account at ${provider} was there already, so its settings are as they were.`]
    : [];
}

export async function unlink(command: ProjectCommand, provider: string): Promise<Answer> {
  const project = command.project();
  const client = command.client();
  const line = `${command.tool} unlink ${provider}`;
  await confirmOnce(
    command,
    line,
    `Unlink ${provider}? Its tokens are revoked; what the account holds stays at ${provider}.`,
  );
  const { told } = await client.disconnect(project.id, provider);
  await command.read(client, project);
  return {
    data: { provider, unlinked: true, told },
    lines: [`Unlinked ${provider}${told ? ", which has heard of it" : ""}.`],
    warnings: told ? [] : [untold(provider, command.tool)],
    nextSteps: told ? [] : [`${command.tool} link ${provider}`],
  };
}

/** Here it is over; there it is not, and only the provider can end it. */
function untold(provider: string, tool: string): string {
  return `${provider} could not be told: it may still count as linked there, with tokens that are good until they expire. When it answers, \`${tool} link ${provider}\` and \`${tool} unlink ${provider} --yes\` tell it; or take this orchestrator's access back on the account's own page there.`;
}

export async function open(command: ProjectCommand, provider: string): Promise<Answer> {
  const project = command.project();
  const found = await command.client().deepLink(project.id, { provider, purpose: "dashboard" });
  const opened = command.mayWait && openBrowser(found.url, command.surroundings.env);
  return {
    data: { provider, ...found, opened },
    lines: [
      plain(found.url, 2000),
      `  ${opened ? "opened in your browser; " : ""}it opens once, until ${found.expires_at}`,
    ],
  };
}

/** Waits for the owner's consent where somebody is there to give it. */
async function consented(
  command: ProjectCommand,
  line: string,
  connect: () => Promise<ConnectionView>,
): Promise<ConnectionView> {
  const { signal, clock } = command.surroundings;
  let isShown = false;
  const ask = async (): Promise<Asked<ConnectionView>> => {
    try {
      return { answer: await connect() };
    } catch (error) {
      const isOpen = error instanceof PurserError && error.code === "CONSENT_REQUIRED";
      if (!isOpen || !command.mayWait) throw error;
      if (!isShown) showConsent(command, error);
      isShown = true;
      return { againInMs: stepOf(error) * 1000 };
    }
  };
  // A provider that does not answer before there is anything to wait for is told at once.
  const first = await ask();
  if ("answer" in first) return first.answer;
  const connection = await keepAsking(ask, {
    signal,
    clock,
    longestMs: LONGEST_MS,
    stepMs: first.againInMs,
  });
  if (connection) return connection;
  throw consentTimeout(line);
}

function showConsent({ surroundings }: ProjectCommand, { details = {} }: PurserError): void {
  const { terminal, env } = surroundings;
  const { url = "", user_code, verification_uri } = details;
  terminal.note(`The account exists already, and its owner has to consent: ${plain(url, 2000)}`);
  if (user_code !== undefined)
    terminal.note(plain(`or enter ${user_code} at ${verification_uri}`, 2000));
  openBrowser(url, env);
}

/** Seconds. */
function stepOf({ details = {} }: PurserError): number {
  const said = Number(details["interval"]);
  return said > 0 ? Math.min(said, LONGEST_STEP_S) : STEP_S;
}

function consentTimeout(line: string): ProjectError {
  return new ProjectError("BROWSER_AUTH_TIMEOUT", {
    problem: "Nobody consented within ten minutes.",
    nextStep: `Run \`${line}\` again when the account's owner is there.`,
    nextSteps: [line],
  });
}
