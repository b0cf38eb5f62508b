/**
 * Settlements per second from one account, in this process: ours beside the reference (`@x402/core` with `@x402/evm`, with viem's nonce manager, without which it loses payments), each on a fresh chain of its own.
 */
import { nonceManager } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createFacilitator } from "../../facilitator/index.ts";
import { newRequest } from "../../test/facilitator/facilitator-world.ts";
import { referenceFacilitator } from "../../test/facilitator/reference-facilitator.ts";
import { newAuthorization, openTestChain, type TestChain } from "../../test/support/chain.ts";
import { type Bench, median } from "./bench.ts";

const CONCURRENCY = 128;
const PAYERS = 20;
const PAYEES = 10;
const ROUNDS = 3;
const OURS = 1_500;
const REFERENCE = 150;

type Body = Awaited<ReturnType<typeof newRequest>>["body"];
type Settle = (body: Body) => Promise<{ success: boolean }>;

export const settlements: Bench = {
  name: "settlements on one signer",
  unit: "/s",
  target: 0,
  better: "higher",
  timesBest: 10,
  async measure() {
    await using reference = await openSide(REFERENCE, (rpcUrl, account) => {
      return referenceFacilitator(rpcUrl, account).settle;
    });
    await using own = await openSide(OURS, (rpcUrl, account) => {
      const facilitator = createFacilitator({ rpcUrl, account });
      return ({ paymentPayload, paymentRequirements }) =>
        facilitator.settle(paymentPayload, paymentRequirements);
    });
    // In turns, so that whatever else the machine does meets both.
    const best: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      best.push(await reference.measure());
      ours.push(await own.measure());
    }
    return { ours: median(ours), best: median(best), bestName: "@x402/core" };
  },
};

/** One facilitator on its own chain, warm. */
async function openSide(
  count: number,
  open: (rpcUrl: string, account: ReturnType<typeof privateKeyToAccount>) => Settle,
) {
  const chain = await openTestChain();
  const account = privateKeyToAccount(generatePrivateKey(), { nonceManager });
  await chain.local.fund(account.address, { ether: 10n ** 20n });
  const settle = open(chain.rpcUrl, account);
  await runAll(await signRequests(chain, 20), settle);
  return {
    async measure() {
      const requests = await signRequests(chain, count);
      const start = performance.now();
      await runAll(requests, settle);
      return (count * 1_000) / (performance.now() - start);
    },
    [Symbol.asyncDispose]: () => chain[Symbol.asyncDispose](),
  };
}

async function signRequests(chain: TestChain, count: number): Promise<Body[]> {
  const newPayer = () => chain.newPayer(BigInt(count) * 10_000n);
  const payers = await Promise.all(Array.from({ length: PAYERS }, newPayer));
  const payees = Array.from({ length: PAYEES }, () => newAuthorization(payers[0]!.address).to);
  const bodies: Body[] = [];
  for (let at = 0; at < count; at += 1) {
    const payer = payers[at % PAYERS]!;
    const to = payees[at % PAYEES]!;
    bodies.push((await newRequest({ chain, payer }, 2, { to })).body);
  }
  return bodies;
}

async function runAll(bodies: Body[], settle: Settle): Promise<void> {
  const queue = bodies.values();
  const worker = async () => {
    for (const body of queue) {
      const answer = await settle(body);
      if (!answer.success) throw new Error(`A settlement failed: ${JSON.stringify(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
