/** What `purser pay` says of a payment that brought no answer. */
import { expect, test } from "vitest";
import { reportOutcome } from "../../cli/pay-report.ts";
import { createTerminal } from "../../cli/terminal.ts";
import type { PurchaseRecord } from "../../protocol/index.ts";

test.each([
  ["unknown", 500, "The answer's status is 500.\n"],
  ["undelivered", 402, "The answer's status is 402.\n"],
  ["unknown", null, ""],
] as const)(
  "an outcome %s after the status %s names status and key",
  async (kind, status, said) => {
    const notes: string[] = [];
    const stderr = { isTTY: false, write: (text: string) => notes.push(text) > 0 };
    const stdout = { isTTY: false, write: () => true };
    const terminal = createTerminal({ stdout, stderr, stdin: { isTTY: false }, env: {} });
    const record = { amount: "0.01", payment: "secret" } as unknown as PurchaseRecord;
    expect(await reportOutcome({ kind, status, record }, "k1", { terminal, json: false })).toBe(1);
    const [, ...rest] = notes;
    expect(rest.join("")).toBe(
      `${said}Ask again for the same with --key k1: nothing more is paid.\n`,
    );
  },
);
