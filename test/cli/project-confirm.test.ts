/** Whose word lifts which refusal: terms and money each by their own flag or answer, what cannot be undone by --yes, never by another's. */
import { describe, expect, test } from "vitest";
import { withWord, type Word } from "../../cli/project/confirm.ts";
import { ProjectCommand, type ProjectFlags } from "../../cli/project/project-command.ts";
import { PLAIN } from "../../cli/terminal.ts";
import { PurserError } from "../../protocol/index.ts";

const text = { problem: "It is not confirmed.", nextStep: "Confirm it." };
const TERMS = new PurserError("TOS_ACCEPTANCE_REQUIRED", {
  ...text,
  details: { provider: "acme", tos_version: "7", tos_url: "http://127.0.0.1/terms" },
});
const priced = (quote_id: string, amount: string) =>
  new PurserError("PAYMENT_CONFIRMATION_REQUIRED", {
    ...text,
    details: { quote_id, amount, currency: "usd", interval: "month", service: "acme/pro" },
  });
const DESTRUCTIVE = new PurserError("CONFIRMATION_REQUIRED", {
  ...text,
  details: { confirmations_required: "destructive" },
});

/** A fake orchestrator that refuses with each of these in turn, then makes it; gives every word that it was told. */
async function called(flags: ProjectFlags, ...refusals: PurserError[]) {
  const words: Word[] = [];
  const command = new ProjectCommand(flags, {
    terminal: { out: () => {}, note: () => {}, paint: PLAIN, interactive: false },
    json: true,
    env: {},
    cwd: "/nowhere",
    signal: new AbortController().signal,
    startedAt: 0,
  });
  const made = await withWord(command, "purser add acme/pro", async (word) => {
    words.push(word);
    const refusal = refusals[words.length - 1];
    if (refusal) throw refusal;
    return "made";
  }).catch((error: unknown) => error as PurserError);
  return { made, words };
}

test("with both flags, terms and price are each confirmed as they were told", async () => {
  const flags = { acceptTos: true, confirmPaidService: true } as const;
  const { made, words } = await called(flags, TERMS, priced("q1", "5.00"));
  expect(made).toBe("made");
  expect(words.at(-1)).toEqual({
    accept_terms: "7",
    quote: "q1",
    confirm: ["paid", "nonrefundable"],
  });
});

describe("a flag gives its own word and no other", () => {
  test.each([
    [
      "--yes does not accept terms",
      { yes: true },
      TERMS,
      "TOS_ACCEPTANCE_REQUIRED",
      "--accept-tos",
    ],
    [
      "--confirm-paid-service does not accept terms",
      { confirmPaidService: true },
      TERMS,
      "TOS_ACCEPTANCE_REQUIRED",
      "--accept-tos",
    ],
    [
      "--yes does not pay",
      { yes: true },
      priced("q1", "5.00"),
      "PAYMENT_CONFIRMATION_REQUIRED",
      "--confirm-paid-service",
    ],
    [
      "--accept-tos does not pay",
      { acceptTos: true },
      priced("q1", "5.00"),
      "PAYMENT_CONFIRMATION_REQUIRED",
      "--confirm-paid-service",
    ],
    [
      "--confirm-paid-service does not delete",
      { confirmPaidService: true },
      DESTRUCTIVE,
      "JSON_REQUIRES_CONFIRMATION",
      "--yes",
    ],
  ] as const)("%s", async (_, flags, refusal, code, flag) => {
    const { made, words } = await called(flags, refusal);
    expect(made).toMatchObject({ code, nextSteps: [`purser add acme/pro ${flag}`] });
    expect(words).toHaveLength(1);
  });
});

test("--yes confirms what cannot be undone", async () => {
  const { made, words } = await called({ yes: true }, DESTRUCTIVE);
  expect(made).toBe("made");
  expect(words.at(-1)).toEqual({ confirm: ["destructive"] });
});

test("a price that rises after it was confirmed is not paid", async () => {
  const { made, words } = await called(
    { confirmPaidService: true },
    priced("q1", "5.00"),
    priced("q2", "50.00"),
  );
  expect(made).toMatchObject({ code: "PAYMENT_CONFIRMATION_REQUIRED" });
  expect(words.map(({ quote }) => quote)).toEqual([undefined, "q1"]);
});

test("an orchestrator that is never content is not asked for ever", async () => {
  const { made, words } = await called(
    { acceptTos: true },
    ...Array.from({ length: 20 }, () => TERMS),
  );
  expect(made).toMatchObject({ code: "TOS_ACCEPTANCE_REQUIRED" });
  expect(words).toHaveLength(2);
});
