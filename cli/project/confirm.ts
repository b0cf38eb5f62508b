/**
 * Makes a call, and where the orchestrator wants a person's word first (terms, a price, what cannot be undone), gives that word only
 * from a flag or from an answer in the terminal, each for itself. Otherwise the command ends with a code and the flag to give: --yes
 * confirms what cannot be undone, and never terms or money.
 */
import { type Confirmation, PurserError } from "../../protocol/index.ts";
import { confirmPrice, declined } from "./confirm-price.ts";
import type { ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";

/** The fields of an order that hold the person's word. */
export interface Word {
  accept_terms?: string;
  quote?: string;
  confirm?: Confirmation[];
}

/** Terms, a price, and one for each other confirmation; more refusals than that are the orchestrator's fault. */
const MAX_WORDS = 6;

/** `line` is the command line so far, for the next step. */
export async function withWord<T>(
  command: ProjectCommand,
  line: string,
  call: (word: Word) => Promise<T>,
): Promise<T> {
  let word: Word = {};
  for (let given = 0; ; given += 1) {
    try {
      return await call(word);
    } catch (error) {
      if (!(error instanceof PurserError) || given === MAX_WORDS) throw error;
      const more = await liftRefusal(command, line, error, word);
      if (more === undefined) throw error;
      word = { ...word, ...more, confirm: [...(word.confirm ?? []), ...(more.confirm ?? [])] };
    }
  }
}

/** The word that lifts the refusal, or undefined where none can. */
async function liftRefusal(
  command: ProjectCommand,
  line: string,
  refusal: PurserError,
  word: Word,
): Promise<Word | undefined> {
  if (refusal.code === "TOS_ACCEPTANCE_REQUIRED") {
    return acceptTerms(command, line, refusal, word);
  }
  if (refusal.code === "PAYMENT_CONFIRMATION_REQUIRED") {
    return confirmQuote(command, line, refusal, word);
  }
  if (refusal.code === "CONFIRMATION_REQUIRED") return confirmRest(command, line, refusal, word);
  return undefined;
}

async function acceptTerms(
  command: ProjectCommand,
  line: string,
  refusal: PurserError,
  word: Word,
): Promise<Word | undefined> {
  const { provider = "", tos_url = "", tos_version = "" } = refusal.details ?? {};
  if (tos_version === "" || word.accept_terms === tos_version) return undefined;
  const answer =
    command.flags.acceptTos ??
    (await command.ask({
      kind: "terms",
      provider,
      question: `Do you accept the terms of service of ${provider}?`,
      facts: { version: tos_version, at: tos_url },
    }));
  if (answer === true) return { accept_terms: tos_version };
  if (answer === false) throw declined();
  throw new ProjectError("TOS_ACCEPTANCE_REQUIRED", {
    problem: `The terms of service of ${provider}, version ${tos_version}, at ${tos_url}, are not accepted.`,
    nextStep:
      "Show them to the person; with their consent, run the command again with --accept-tos.",
    nextSteps: [`${line} --accept-tos`],
    details: refusal.details,
  });
}

/** A price that was confirmed by flag and has risen since is not paid: the flag was given for what stood then. */
async function confirmQuote(
  command: ProjectCommand,
  line: string,
  { details = {} }: PurserError,
  word: Word,
): Promise<Word | undefined> {
  const { quote_id } = details;
  if (quote_id === undefined || word.quote === quote_id) return undefined;
  await confirmPrice(command, line, { details, mayFlag: word.quote === undefined });
  return { quote: quote_id, confirm: ["paid", "nonrefundable"] };
}

async function confirmRest(
  command: ProjectCommand,
  line: string,
  refusal: PurserError,
  word: Word,
): Promise<Word | undefined> {
  const wanted = (refusal.details?.["confirmations_required"] ?? "").split(",");
  const open = wanted.filter((one): one is Confirmation => isOpen(one, word));
  if (open.length === 0) return undefined;
  const money = open.some((one) => one === "paid" || one === "nonrefundable");
  const answer =
    (money ? command.flags.confirmPaidService : command.flags.yes) ??
    (await command.ask({ kind: "approval", question: refusal.problem }));
  if (answer === true) return { confirm: open };
  if (answer === false) throw declined();
  const flag = money ? "--confirm-paid-service" : "--yes";
  throw new ProjectError(money ? "PAYMENT_CONFIRMATION_REQUIRED" : "JSON_REQUIRES_CONFIRMATION", {
    problem: refusal.problem,
    nextStep: `With the person's consent, run the command again with ${flag}.`,
    nextSteps: [`${line} ${flag}`],
    details: refusal.details,
  });
}

function isOpen(one: string, { confirm = [] }: Word): boolean {
  const known = ["tos", "paid", "destructive", "nonrefundable"];
  return known.includes(one) && !confirm.some((given) => given === one);
}

/** The confirmations, with the one that the person has given the command itself. */
export function destructive(confirm: readonly Confirmation[]): Confirmation[] {
  return [...new Set([...confirm, "destructive" as const])];
}

/** Asks before what the command itself cannot undo, as the orchestrator would for its part. */
export async function confirmOnce(
  command: ProjectCommand,
  line: string,
  problem: string,
): Promise<void> {
  const answer = command.flags.yes ?? (await command.ask({ kind: "approval", question: problem }));
  if (answer === true) return;
  if (answer === false) throw declined();
  throw new ProjectError("JSON_REQUIRES_CONFIRMATION", {
    problem: `Nobody has confirmed it: ${problem}`,
    nextStep: "With the person's consent, run the command again with --yes.",
    nextSteps: [`${line} --yes`],
  });
}
