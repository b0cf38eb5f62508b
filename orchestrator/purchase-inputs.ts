/**
 * The inputs of a purchase are part of its identity, so each must mean something: one that the operation does not use would make
 * a second purchase out of the first, and pay twice for the same thing.
 */
import type { Operation } from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";

type Inputs = Readonly<Record<string, string>>;

/** Throws `INPUT_INVALID` or `ACCOUNT_MISMATCH`. */
export function checkInputs(operation: Operation, inputs: Inputs, accountId: string): void {
  // Clients may name the account always; it is one and the same, so it makes no second purchase.
  const used = placeholders(operation).add("account_id");
  const extra = Object.keys(inputs).find((name) => !used.has(name));
  if (extra !== undefined) {
    throw invalidInput(
      `The operation has no input "${extra.slice(0, 64)}".`,
      `Give only ${[...used].join(", ")}.`,
    );
  }
  const account = inputs["account_id"];
  if (account !== undefined && account !== accountId) {
    throw new OrchestratorError("ACCOUNT_MISMATCH", {
      problem: "The purchase names another account than the project's own.",
      nextStep: "Use the account_id of the project's connection.",
    });
  }
  const domain = inputs["domain"];
  if (domain !== undefined && !DOMAIN.test(domain)) {
    throw invalidInput(
      `"${domain.slice(0, 100)}" is not a domain name in its one way of writing.`,
      "Write it in lower case, without a dot at the end.",
    );
  }
}

/** One way of writing, so that `Nimbus.dev` and `nimbus.dev` are not two purchases. */
const DOMAIN = /^(?!.{254})([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/** The names between braces in an operation's path and body. */
function placeholders({ path, body }: Operation): Set<string> {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const inBody: string[] = [];
  JSON.stringify(body ?? null, (_key, value: unknown) => {
    const [, name] = typeof value === "string" ? (/^\{(\w+)\}$/.exec(value) ?? []) : [];
    if (name !== undefined) inBody.push(name);
    return value;
  });
  return new Set([...inPath, ...inBody]);
}

function invalidInput(problem: string, nextStep: string): OrchestratorError {
  return new OrchestratorError("INPUT_INVALID", { problem, nextStep });
}
