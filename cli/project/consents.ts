/**
 * `purser consents` and `consents revoke`: which agent may use the project's account at which provider, for what, and taking that back: one
 * agent's consent, or one scope of it. The other agents' are as they were.
 */
import { AgentScope, type ConsentView } from "../../protocol/index.ts";
import { plain } from "../terminal.ts";
import { confirmOnce } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { tableOf } from "./table-of.ts";

export interface ConsentFlags extends ProjectFlags {
  scope?: string;
}

const PARTS = AgentScope.options.filter((scope) => scope !== "account");

/** Those that hold. */
export async function listConsents(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const consents = await held(command, project.id);
  const rows = consents.map(({ id, provider, agent, scopes, granted_at }) => {
    return [agent, provider, scopes.join(" "), id, granted_at];
  });
  const headings = ["agent", "provider", "may", "id", "since"];
  const nothing = "No agent may use an account of this project.";
  return {
    data: { consents },
    lines: tableOf(command.surroundings.terminal, headings, rows, nothing),
  };
}

/** Throws `CONSENT_UNKNOWN`, or `SCOPE_MISSING` where it does not cover the scope that is to be taken back. */
export async function revokeConsent(
  command: ProjectCommand<ConsentFlags>,
  id: string,
): Promise<Answer> {
  const scope = readScope(command.flags.scope);
  const project = command.project();
  const client = command.client();
  const consent = (await held(command, project.id)).find((one) => one.id === id);
  if (!consent) throw unknown(id, command.tool);
  const { agent, provider } = consent;
  const left = scope === undefined ? [] : without(consent, scope, command.tool);
  const what = scope === undefined ? "" : `"${scope}" of `;
  const line = `${command.tool} consents revoke ${id}${scope === undefined ? "" : ` --scope ${scope}`}`;
  await confirmOnce(
    command,
    line,
    `Take back ${what}the consent of the agent "${plain(agent)}" at ${provider}? Its tokens end; to have it again, the account's owner is asked.`,
  );
  const { told, ...after } =
    left.length === 0
      ? await client.revokeConsent(project.id, id)
      : await client.grantConsent(project.id, { provider, agent, scopes: left });
  const rest = left.length === 0 ? "" : ` It may still: ${left.join(" ")}.`;
  return {
    data: { consent: after, told, ...(scope === undefined ? {} : { revoked_scope: scope }) },
    lines: [
      `Took back ${what}the consent of ${plain(agent)} at ${provider}${told ? ", which has heard of it" : ""}.${rest}`,
    ],
    warnings: told ? [] : [untold({ agent, provider }, command.tool)],
    nextSteps: told ? [`${command.tool} consents`] : [`${command.tool} open ${provider}`],
  };
}

/** The orchestrator gives the agent nothing any more; what it has read before only the provider can end. */
function untold({ agent, provider }: { agent: string; provider: string }, tool: string): string {
  return `${provider} could not be told: a token that ${plain(agent)} has read already is good there until it expires. When ${provider} answers, end it on the account's page there: \`${tool} open ${provider}\`.`;
}

async function held(command: ProjectCommand, project: string): Promise<ConsentView[]> {
  const all = await command.client().consents(project);
  return all.filter(({ revoked_at }) => revoked_at === null);
}

function readScope(text: string | undefined): AgentScope | undefined {
  const scope = PARTS.find((one) => one === text);
  if (text === undefined || scope !== undefined) return scope;
  throw new ProjectError("CONFIG_INVALID", {
    problem: `--scope takes one of ${PARTS.join(", ")}.`,
    nextStep: "Name one of them, or leave --scope out to take back the whole consent.",
  });
}

function without(
  { id, agent, provider, scopes }: ConsentView,
  scope: AgentScope,
  tool: string,
): AgentScope[] {
  const parts: readonly AgentScope[] = scopes.includes("account") ? PARTS : scopes;
  if (parts.includes(scope)) return parts.filter((one) => one !== scope);
  throw new ProjectError("SCOPE_MISSING", {
    problem: `The consent of the agent "${plain(agent)}" at ${provider} does not cover "${scope}".`,
    nextStep: `See what it covers with \`${tool} consents\`.`,
    nextSteps: [`${tool} consents`],
    details: { consent: id, provider, agent, scope },
  });
}

function unknown(id: string, tool: string): ProjectError {
  return new ProjectError("CONSENT_UNKNOWN", {
    problem: `The project has no consent "${plain(id, 100)}" that holds.`,
    nextStep: `List them with \`${tool} consents\`, and name one by its id.`,
    nextSteps: [`${tool} consents`],
  });
}
