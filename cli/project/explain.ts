/** An orchestrator's refusal, with what the person at this command line can do about it. */
import { z } from "zod";
import { PurserError } from "../../protocol/index.ts";
import type { OrchestratorAddress } from "./orchestrator-address.ts";
import { ProjectError, publishedCode } from "./project-error.ts";

/** That the orchestrator does not know the session, or knows it no more. */
export function isSessionRefusal(error: unknown): boolean {
  return error instanceof PurserError && /^(SESSION|TOKEN)_/.test(error.code);
}

/** That nobody has answered. */
export function isUnreachable(error: unknown): error is PurserError {
  return error instanceof PurserError && error.code === "ORCHESTRATOR_UNREACHABLE";
}

/** `address` is undefined where there is none yet. */
export function explain(
  error: unknown,
  { tool, address }: { tool: string; address: OrchestratorAddress | undefined },
): unknown {
  if (!(error instanceof PurserError) || error instanceof ProjectError) return error;
  const { problem, details, cause } = error;
  if (isUnreachable(error)) return unreachable(address, cause);
  const code = publishedCode(error.code);
  if (code === "BROWSER_AUTH_REQUIRED" && address) return signInFirst(address, tool, problem);
  if (code === "PROVIDER_NOT_LINKED") {
    const provider = details?.["provider"] ?? "";
    const step = `${tool} link ${isProvider(provider) ? provider : "<provider>"}`;
    const nextStep = `Run \`${step}\`; it may need a browser.`;
    return new ProjectError(code, { problem, nextStep, nextSteps: [step], details, cause });
  }
  if (error.code === "PROVIDER_UNKNOWN" || error.code === "SERVICE_UNKNOWN") {
    const step = `${tool} catalog`;
    const nextStep = `See what there is with \`${step}\`, and name a service as <provider>/<service>.`;
    return new ProjectError(error.code, { problem, nextStep, nextSteps: [step], details, cause });
  }
  if (code === "MERCHANT_MISMATCH") return notTheirs(tool, error);
  if (error.code === "CONSENT_REQUIRED") return consentFirst(tool, error);
  const { schema } = details ?? {};
  if (error.code === "INPUT_INVALID" && schema !== undefined)
    return new ProjectError("INPUT_INVALID", {
      problem,
      nextStep: `Give what it takes with --config, such as --config '${configurationOf(schema)}'.`,
      details,
      cause,
    });
  if (code === "PLAN_REQUIRED") {
    const plans = (details?.["plan"] ?? "").split(",").filter(isReference);
    const steps = plans.map((plan) => `${tool} add ${plan}`);
    const nextStep = `Provision a plan first: ${steps.join(", or ")}.`;
    return new ProjectError(code, { problem, nextStep, nextSteps: steps, details, cause });
  }
  return error;
}

export function unreachable(
  address: OrchestratorAddress | undefined,
  cause?: unknown,
): ProjectError {
  const world = address?.knownWorld;
  const up = world === undefined ? "purser up" : `purser up --out ${world}`;
  return new ProjectError("ORCHESTRATOR_UNREACHABLE", {
    problem: `The orchestrator${address ? ` at ${address.url}` : ""} does not answer.`,
    nextStep:
      world === undefined
        ? `See that it is up, or name another one with --orchestrator <url>. A local one opens with \`${up}\`.`
        : `Open its world again in another terminal: \`${up}\`.`,
    nextSteps: world === undefined ? [] : [up],
    ...(address ? { details: { orchestrator: address.url } } : {}),
    cause,
  });
}

export function signInFirst(
  { url, isNamed }: Pick<OrchestratorAddress, "url" | "isNamed">,
  tool: string,
  problem?: string,
): ProjectError {
  const where = isNamed ? ` --orchestrator ${url}` : "";
  const login = `${tool === "purser" ? "purser" : "stripe"} login --non-interactive${where}`;
  return new ProjectError("BROWSER_AUTH_REQUIRED", {
    problem: problem ?? `Nobody is signed in with the orchestrator at ${url}.`,
    nextStep: `Run \`${login}\`, let the person open its browser_url, and run its next_step.`,
    nextSteps: [login],
    details: { orchestrator: url },
  });
}

/** Another person's project is not there at all for this one, so it cannot be told from one that never was. */
function notTheirs(tool: string, { details, cause }: PurserError): ProjectError {
  const step = `${tool} switch-account`;
  return new ProjectError("MERCHANT_MISMATCH", {
    problem: "The project is not the signed-in person's, or not with this orchestrator.",
    nextStep: `Sign in as its owner with \`${step}\`, or name its orchestrator with --orchestrator <url>.`,
    nextSteps: [step],
    details,
    cause,
  });
}

/** The account exists already, so its owner has to let this project in: in a browser, or with a code on any device. */
function consentFirst(tool: string, { problem, details = {} }: PurserError): ProjectError {
  const { provider = "", url = "", user_code = "", verification_uri = "" } = details;
  const step = `${tool} link ${isProvider(provider) ? provider : "<provider>"}`;
  const code = user_code === "" ? "" : `, or enter ${user_code} at ${verification_uri}`;
  return new ProjectError("BROWSER_AUTH_REQUIRED", {
    problem,
    nextStep: `Let the account's owner open ${url}${code}; then run \`${step}\`.`,
    nextSteps: [step],
    details: { ...details, browser_url: url, verification_code: user_code, next_step: step },
  });
}

const Fields = z.looseObject({
  required: z.array(z.string()).catch([]),
  properties: z.record(z.string(), z.unknown()).catch({}),
});

/** What a service must be configured with, to be filled in: a stranger's names, of which only plain ones are repeated. */
function configurationOf(schema: string): string {
  const { required, properties } = Fields.parse(JSON.parse(schema));
  const wanted = required.length > 0 ? required : Object.keys(properties).slice(0, 3);
  const names = wanted.filter((name) => /^[A-Za-z_][\w-]{0,63}$/.test(name));
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, "…"])));
}

function isProvider(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]*$/.test(text);
}

/** A stranger's word may stand in a command line that an agent runs only where it can be nothing but a service's name. */
export function isReference(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]*\/[A-Za-z0-9][A-Za-z0-9:._-]*$/.test(text);
}
