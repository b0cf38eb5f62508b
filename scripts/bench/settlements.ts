/**
 * Settlements per second from one account, in this process: ours beside the reference (`@x402/core` with `@x402/evm`, with viem's nonce manager, without which it loses payments), each on a fresh chain of its own
 * each time. Where the reference loses a nonce all the same, what follows waits for minutes: then what counts is what it settled until there.
 */
import { setTimeout as sleep } from "node:timers/promises";
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
/** Milliseconds; a settlement takes a tenth of it. */
const STALLED_MS = 10_000;

type Body = Awaited<ReturnType<typeof newRequest>>["body"];
type Settle = (body: Body) => Promise<{ success: boolean }>;

export const settlements: Bench = {
  name: "settlements on one signer",
  unit: "/s",
  target: 0,
  better: "higher",
  timesBest: 10,
  async measure() {
    // In turns, so that whatever else the machine does meets both.
    const best: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const reference = await measureSide(REFERENCE, (rpcUrl, account) => {
        return referenceFacilitator(rpcUrl, account).settle;
      });
      if (reference.settled < REFERENCE) {
        process.stderr.write(`  @x402/core settled ${reference.settled} of ${REFERENCE}\n`);
      }
      best.push(rateOf(reference));
      const own = await measureSide(OURS, (rpcUrl, account) => {
        const facilitator = createFacilitator({ rpcUrl, account });
        return ({ paymentPayload, paymentRequirements }) =>
          facilitator.settle(paymentPayload, paymentRequirements);
      });
      if (own.failure !== undefined) throw new Error("a settlement failed", { cause: own.failure });
      ours.push(rateOf(own));
    }
    return { ours: median(ours), best: median(best), bestName: "@x402/core" };
  },
};

function rateOf({ settled, ms }: Settled): number {
  return settled === 0 ? 0 : (settled * 1_000) / ms;
}

/** What one facilitator settles on its own chain, warm. */
async function measureSide(
  count: number,
  open: (rpcUrl: string, account: ReturnType<typeof privateKeyToAccount>) => Settle,
): Promise<Settled> {
  await using chain = await openTestChain();
  const account = privateKeyToAccount(generatePrivateKey(), { nonceManager });
  await chain.local.fund(account.address, { ether: 10n ** 20n });
  const settle = open(chain.rpcUrl, account);
  await runAll(await signRequests(chain, 20), settle);
  return await runAll(await signRequests(chain, count), settle);
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

interface Settled {
  readonly settled: number;
  /** Until the last of them. */
  readonly ms: number;
  /** Why the first that was not settled was not; one of ours always is. */
  readonly failure: unknown;
}

/** Until all are answered, or none was for a while. */
async function runAll(bodies: Body[], settle: Settle): Promise<Settled> {
  const queue = bodies.values();
  const start = performance.now();
  let [settled, last] = [0, start];
  let failure: unknown;
  const worker = async () => {
    for (const body of queue) {
      const answer = await settle(body);
      if (!answer.success) throw new Error(JSON.stringify(answer));
      settled += 1;
      last = performance.now();
    }
  };
  const workers = Array.from({ length: CONCURRENCY }, () =>
    worker().catch((error: unknown) => void (failure ??= error)),
  );
  const all = Promise.all(workers).then(() => true);
  while (!(await Promise.race([all, sleep(100, false)]))) {
    if (performance.now() - last < STALLED_MS) continue;
    failure ??= new Error("no answer comes any more");
    break;
  }
  return { settled, ms: last - start, failure };
}
