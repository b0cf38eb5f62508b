/** The person's word on a price, from its own flag or an answer in the terminal. */
import type { ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";

export interface AskedPrice {
  /** `service`, `amount`, `currency`, `interval`, and `refundable` and `expires_at` where they are known. */
  details: Record<string, string>;
  /** False where the flag was given for another price. */
  mayFlag: boolean;
}

/** Comes back when the person has agreed to the price; throws otherwise. */
export async function confirmPrice(
  command: ProjectCommand,
  line: string,
  { details, mayFlag }: AskedPrice,
): Promise<void> {
  const { service = "", amount = "", currency = "usd", interval = "" } = details;
  const { refundable, expires_at } = details;
  const price = `${amount} ${currency.toUpperCase()}${PER[interval] ?? ""}`;
  const answer =
    (mayFlag ? command.flags.confirmPaidService : undefined) ??
    (await command.ask({
      kind: "approval",
      question: `Buy ${service} for ${price}?`,
      facts: {
        ...(refundable === undefined ? {} : { refundable: refundable === "false" ? "no" : "yes" }),
        ...(expires_at === undefined ? {} : { "price stands until": expires_at }),
      },
    }));
  if (answer === true) return;
  if (answer === false) throw declined();
  const terms = refundable === "false" ? ", which is not refunded" : "";
  throw new ProjectError("PAYMENT_CONFIRMATION_REQUIRED", {
    problem: `${service} costs ${price}${terms}, and nobody has confirmed that it be paid.`,
    nextStep:
      "Tell the person the price; with their consent, run the command again with --confirm-paid-service.",
    nextSteps: [`${line} --confirm-paid-service`],
    details: { ...details, confirmations_required: details["confirmations_required"] ?? "paid" },
  });
}

const PER: Readonly<Record<string, string>> = { month: " a month", year: " a year" };

export function declined(): ProjectError {
  return new ProjectError("CONFIRMATION_DECLINED", {
    problem: "Declined, so nothing was done.",
    nextStep: "Run it again when you have decided otherwise.",
  });
}
