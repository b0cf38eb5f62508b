import { type LocalAccount, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { signTransaction, type TransactionFields } from "../../facilitator/raw-transaction.ts";
import { SignedAhead } from "../../facilitator/signed-ahead.ts";

const key = privateKeyToAccount(toHex(77n, { size: 32 }));
const fields: TransactionFields = {
  chainId: 84_532,
  nonce: 7,
  to: toHex(1n, { size: 20 }),
  data: "0x1234",
  gas: 200_000n,
  fees: { maxFeePerGas: 2_000n, maxPriorityFeePerGas: 100n },
};
const { fees } = fields;

/** With a clock of the test's own, and how often the account has signed. */
function open(own: Partial<LocalAccount> = {}) {
  const opened = { signatures: 0, time: 1_000_000 };
  const sign: typeof key.sign = (hash) => {
    opened.signatures += 1;
    return key.sign(hash);
  };
  const account = { ...key, sign, ...own } as LocalAccount;
  const ahead = new SignedAhead({ account, now: () => opened.time });
  return Object.assign(opened, { ahead });
}

test("what was signed ahead is not signed again, once", async () => {
  const own = open();
  own.ahead.guess(fields);
  expect(own.signatures).toBe(1);
  const same = { ...fields, fees: { ...fees } };
  expect(await own.ahead.sign(same)).toEqual(await signTransaction(key, fields));
  expect(own.signatures).toBe(1);
  await own.ahead.sign(same);
  expect(own.signatures).toBe(2);
});

test.each<[string, Partial<TransactionFields>]>([
  ["chain", { chainId: 8453 }],
  ["nonce", { nonce: 8 }],
  ["recipient", { to: toHex(2n, { size: 20 }) }],
  ["call", { data: "0x1235" }],
  ["gas", { gas: 800_000n }],
  ["fee", { fees: { ...fees, maxFeePerGas: 2_001n } }],
  ["tip", { fees: { ...fees, maxPriorityFeePerGas: 101n } }],
])(
  "a transaction with another %s is signed itself, and the guess is forgotten",
  async (_, other) => {
    const own = open();
    own.ahead.guess(fields);
    const asked = { ...fields, ...other };
    expect(await own.ahead.sign(asked)).toEqual(await signTransaction(key, asked));
    await own.ahead.sign(fields);
    expect(own.signatures).toBe(3);
  },
);

test("guesses that are never sent cost one signature in two seconds, also when the clock is set back", () => {
  const own = open();
  const guess = (nonce: number) => own.ahead.guess({ ...fields, nonce });
  for (let nonce = 0; nonce < 100; nonce += 1) guess(nonce);
  expect(own.signatures).toBe(1);
  own.time += 2_000;
  guess(100);
  expect(own.signatures).toBe(2);
  own.time -= 60_000;
  guess(101);
  expect(own.signatures).toBe(3);
});

test("a key outside of this process is never asked in vain", () => {
  const own = open({ source: "a key service" });
  own.ahead.guess(fields);
  expect(own.signatures).toBe(0);
});

test("where signing ahead has failed, it is signed when it is to be sent", async () => {
  let failures = 1;
  const sign: typeof key.sign = (hash) =>
    failures-- > 0 ? Promise.reject(new Error("not now")) : key.sign(hash);
  const own = open({ sign });
  own.ahead.guess(fields);
  expect(await own.ahead.sign(fields)).toEqual(await signTransaction(key, fields));
});
