/** From a reservation to bytes that may leave: what is recorded first, and what becomes of the amount where anything fails. */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { PaymentError } from "../../middleware/payment-error.ts";
import { signAgain, signEntry } from "../../middleware/sign-entry.ts";
import { uncheckedPolicy } from "../../middleware/index.ts";
import type { SignIntent } from "../../middleware/signer/index.ts";
import { signerRefused } from "../../middleware/signer/signer-refusal.ts";
import type { LedgerEntry } from "../../store/index.ts";
import { mppOffer, newSigner, OFFER, PAYEE, QUOTE, START } from "./chainless-wallet.ts";

const OTHER = `0x${"ee".repeat(20)}` as const;
const NONCE = `0x${"11".repeat(32)}` as const;
const UNTIL = BigInt(START / 1000) + 60n;
const account = newSigner();
const entry = {
  purchase: "p1",
  provider: "shop",
  fingerprint: "request-1",
  payTo: PAYEE,
  amount: 10_000n,
  validAfter: 0n,
  validBefore: UNTIL,
  nonce: NONCE,
} as LedgerEntry;

/** A book that writes down what it is told, and does with each command what a test wants. */
function openBook(failing: Record<string, Error> = {}) {
  const told: unknown[][] = [];
  const command =
    (name: string) =>
    (...args: unknown[]) => {
      told.push([name, ...args]);
      return failing[name] ? Promise.reject(failing[name]) : Promise.resolve(entry);
    };
  const ledger = {
    markSent: command("markSent"),
    synced: (...args: unknown[]) => command("synced")(...args).then(() => undefined),
    keepSent: (...args: unknown[]) => command("keepSent")(...args).then(() => undefined),
    keepPayment: command("keepPayment"),
    markUnknown: command("markUnknown"),
    withdraw: command("withdraw"),
  };
  return { told, ledger };
}

function signing(
  book: ReturnType<typeof openBook>,
  { error, ...options }: Partial<Parameters<typeof signEntry>[0]> & { error?: Error } = {},
) {
  const intents: SignIntent[] = [];
  const signer = {
    address: account.address,
    sign: (intent: SignIntent) => {
      intents.push(intent);
      book.told.push(["sign"]);
      return error ? Promise.reject(error) : account.sign(intent);
    },
  };
  const { ledger } = book;
  const rest = { entry, offer: OFFER, quote: QUOTE, policy: {}, maxTimeoutSeconds: 120 };
  return { intents, signed: signEntry({ ledger, signer, ...rest, ...options }) };
}

test("it is brought to the disk while the signer works, handed out when both are done, and its bytes are kept", async () => {
  const book = openBook();
  const payment = { name: "PAYMENT-SIGNATURE", value: expect.stringMatching(/^\w+=*$/) };
  const handedOut = await signing(book).signed;
  expect(handedOut).toEqual({ ...entry, payment: expect.anything() });
  expect(handedOut.payment?.reveal()).toEqual(payment);
  expect(book.told).toEqual([["sign"], ["synced"], ["keepSent", NONCE, payment]]);
});

test("nothing is given back while it is still on its way to the disk", async () => {
  const book = openBook();
  const synced = Promise.withResolvers<void>();
  const ledger = { ...book.ledger, synced: () => synced.promise };
  const error = new Error("no signature");
  const { signed } = signing(book, { ledger, error });
  expect(await Promise.race([signed, setImmediate("still waiting")])).toBe("still waiting");
  expect(book.told).toEqual([["sign"]]);
  synced.resolve();
  await expect(signed).rejects.toBe(error);
  expect(book.told).toEqual([["sign"], ["withdraw", NONCE]]);
});

test("where its bytes cannot be kept, it is handed out all the same", async () => {
  const { signed } = signing(openBook({ keepSent: new Error("disk full") }));
  expect((await signed).payment).toBeDefined();
});

test("bytes that a failure has taken are made again, the very same, and kept before they are handed out", async () => {
  const [before, after] = [openBook(), openBook()];
  const payment = (await signing(before).signed).payment?.reveal();
  const { ledger } = after;
  expect(
    await signAgain({ ledger, signer: account, entry, offer: OFFER, quote: QUOTE, policy: {} }),
  ).toBe(entry);
  expect(after.told).toEqual([["keepPayment", NONCE, payment]]);
});

test("bytes that hold the seller's own challenge cannot be made again: they are on the disk before they leave", async () => {
  const [before, after] = [openBook(), openBook()];
  const offer = mppOffer();
  await signing(before, { offer }).signed;
  const payment = { name: "Authorization", value: expect.stringMatching(/^Payment \w+$/) };
  expect(before.told).toEqual([["sign"], ["markSent", NONCE, payment]]);
  const { ledger } = after;
  const again = signAgain({ ledger, signer: account, entry, offer, quote: QUOTE, policy: {} });
  await expect(again).rejects.toMatchObject({ code: "SIGNER_REFUSED", details: { rule: "NONCE" } });
  expect(after.told).toEqual([]);
});

test.each<[string, Error]>([
  ["does not answer", new Error("no signature")],
  ["refuses it by another rule", signerRefused("CALL_LIMIT")],
  ["refuses it without a rule", new PaymentError("SIGNER_FAILED", { problem: "", nextStep: "" })],
  ["fails in words that only look so", Object.assign(new Error(), { details: { rule: "NONCE" } })],
])("where the signer %s, the amount is given back, and the caller hears why", async (_, error) => {
  const book = openBook();
  await expect(signing(book, { error }).signed).rejects.toBe(error);
  expect(book.told).toEqual([["sign"], ["synced"], ["withdraw", NONCE]]);
});

test.each([
  ["cannot be brought to the disk", "synced", OFFER],
  ["cannot be recorded as sent with the seller's challenge in its bytes", "markSent", mppOffer()],
])("where it %s, nothing is handed out, and the amount is given back", async (_, step, offer) => {
  const book = openBook({ [step]: new Error("disk full") });
  await expect(signing(book, { offer }).signed).rejects.toThrow("disk full");
  expect(book.told.at(-1)).toEqual(["withdraw", NONCE]);
});

test("where the amount cannot even be given back, the caller hears of the first failure", async () => {
  const book = openBook({ withdraw: new Error("disk full") });
  const error = new Error("no signature");
  await expect(signing(book, { error }).signed).rejects.toBe(error);
});

test.each([
  ["the wallet's longest, where the offer's was shorter", 60, 120, UNTIL + 60n],
  ["its own, where the offer's was the wallet's longest", 120, 120, UNTIL],
  ["its own, where the offer's was longer", 1_000, 120, UNTIL],
])(
  "what the signer has signed for its nonce before counts until the end of %s",
  async (_, maxTimeoutSeconds, limit, until) => {
    const book = openBook();
    const offer = { ...OFFER, maxTimeoutSeconds };
    const error = signerRefused("NONCE");
    const { signed } = signing(book, { error, offer, maxTimeoutSeconds: limit });
    await expect(signed).rejects.toBe(error);
    expect(book.told.at(-1)).toEqual(["markUnknown", NONCE, until]);
  },
);

test("the signer holds the offer against the quote; unchecked, against itself", async () => {
  const offer = { ...OFFER, amount: 10_000n };
  const quote = { ...QUOTE, payTo: [PAYEE, OTHER], maxAmount: 50_000n };
  const checked = signing(openBook(), { offer, quote });
  await checked.signed;
  expect(checked.intents[0]?.quote).toEqual({
    payTo: [PAYEE, OTHER],
    maxAmount: 50_000n,
    fingerprint: "request-1",
  });
  const unchecked = signing(openBook(), { offer, quote, policy: uncheckedPolicy });
  await unchecked.signed;
  expect(unchecked.intents[0]?.quote).toEqual({
    payTo: [PAYEE],
    maxAmount: 10_000n,
    fingerprint: "request-1",
  });
});
