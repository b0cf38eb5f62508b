/** One thing that every provider must do. It says what was seen where it does not hold. */
import { codeOf, sayAnswer, type Answer, type Visit } from "./visit.ts";

export interface ProviderCase {
  /** Such as "SIGN-03". */
  readonly id: string;
  /** What holds. */
  readonly title: string;
  /** What it cannot be tried without: the provider's trust in the tester, or something in the catalog. */
  readonly needs?: readonly Need[];
  /** Where it is written. */
  readonly basis: string;
  readonly mend: string;
  /** Undefined where it holds; what was seen where it does not. */
  readonly run: (visit: Visit) => Promise<string | undefined>;
}

export type Need =
  | "trust"
  | "free"
  | "paid"
  | "quotes"
  | "deep_links"
  | "removal"
  | "upgrade"
  | "usage";

/** Undefined where the answer is this refusal, in this envelope. */
export function refused(
  answer: Answer,
  status: number,
  code: string,
  envelope: "flat" | "typed" | "status" = "flat",
): string | undefined {
  const found = envelopeOf(answer);
  if (answer.status === status && codeOf(answer) === code && found === envelope) return undefined;
  return `${sayAnswer(answer)} in the ${found} envelope, where ${status} "${code}" in the ${envelope} one was due`;
}

/** Undefined where it was refused, whatever the code. */
export function notTaken(answer: Answer): string | undefined {
  return answer.status >= 400 && answer.status < 500 ? undefined : sayAnswer(answer);
}

function envelopeOf({ body }: Answer): string {
  if (body["type"] === "error") return "typed";
  return body["status"] === "error" ? "status" : "flat";
}
