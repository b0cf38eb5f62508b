import { expect, test } from "vitest";
import type { Wallet } from "../../middleware/index.ts";
import { PaymentMethod, type Wallets } from "../../orchestrator/payment-method.ts";

/** Projects are named after their owners here. */
function openMethod(wallet: Wallets): PaymentMethod {
  const people = { ofProject: (id: string) => ({ id }) } as never;
  return new PaymentMethod({ approvals: {} as never, people, wallet });
}
const walletOf = (address: string) => ({ address }) as unknown as Wallet;

test("a platform that makes a wallet anew for each call is remembered by one for each user and payer, the newest", () => {
  const method = openMethod(({ id }) => (id === "bob" ? undefined : walletOf(`0x${id}`)));
  method.of("eve");
  for (let time = 0; time < 100; time += 1) method.of("ada");
  const newest = method.of("ada");
  method.of("bob");
  expect([...method.wallets()].map(({ address }) => address)).toEqual(["0xeve", "0xada"]);
  expect(method.wallets().has(newest!)).toBe(true);
});

test("what was paid with a payer that a user has no more is still theirs to be recovered", () => {
  let address = "0x1";
  const method = openMethod(() => walletOf(address));
  method.of("ada");
  address = "0x2";
  method.of("ada");
  expect([...method.wallets()].map((wallet) => wallet.address)).toEqual(["0x1", "0x2"]);
});
