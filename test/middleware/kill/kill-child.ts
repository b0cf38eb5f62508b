/**
 * One life of a process that pays from the shared wallet: `node kill-child.ts <plan as JSON>`. It recovers what earlier lives left,
 * pays for its purchases, and prints a line of JSON for each; whoever started it, or its own plan, ends it at any moment.
 */
import { openChain } from "../../../chain/index.ts";
import { guardedFetch } from "../../../middleware/fetch/guarded-fetch.ts";
import { Crash } from "./crash-points.ts";
import { openBook, openPayer, type Plan } from "./payer.ts";
import { BASE_SEPOLIA_USDC, PurserError } from "../../../protocol/index.ts";

const plan = JSON.parse(process.argv[2] ?? "{}") as Plan;
const crash = new Crash(plan.crash);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ started: process.pid });

const chain = await openChain({ rpcUrl: plan.rpcUrl, asset: BASE_SEPOLIA_USDC });
const ledger = await openBook(plan.book);
const inner = guardedFetch({ local: true });
const dead: typeof fetch = () => Promise.reject(new TypeError("no way out"));
// For a crash in a recovery there has to be something to recover: here, payments of which nothing was heard.
const recovers = plan.crash?.point === "C9";
const { wallet, pay } = openPayer({
  ...plan,
  chain: crash.chain(chain),
  ledger: crash.ledger(ledger),
  around: {
    signer: (signer) => crash.signer(signer),
    wallet: (wallet) => crash.wallet(wallet),
    fetch: crash.fetch(
      recovers ? (input, init) => (isPaid(init) ? dead : inner)(input, init) : inner,
    ),
  },
});

if (!recovers) await tolerate(() => wallet.recover());
const left = plan.items.values();
const work = async () => {
  for (const item of left) await tolerate(async () => say({ item, ...(await pay(item)) }));
};
await Promise.all([work(), work()]);
if (recovers) await tolerate(() => wallet.recover());
say({ done: true });
process.exit(0);

function isPaid(init: RequestInit = {}): boolean {
  const headers = new Headers(init.headers);
  return ["X-PAYMENT", "PAYMENT-SIGNATURE", "Authorization"].some((name) => headers.has(name));
}

/** What another life does to the same purchase at the same time is a typed refusal; everything else is a bug, and ends this one. */
async function tolerate(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    say({ refusal: error.code });
  }
}
