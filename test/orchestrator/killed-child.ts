/**
 * An orchestrator in a process of its own, which is killed at a named point of an order: just before a call to the provider leaves, or
 * when its answer has come and nobody has read it yet.
 */
import { type Change, openOrdering, type OrderingOptions } from "./killed-world.ts";

const { killAt, change, ...options } = JSON.parse(process.argv[2] ?? "") as OrderingOptions & {
  /** Such as "before token" or "after payment". */
  killAt: string;
  /** In place of an order. */
  change?: { id: string; how: Change };
};

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

/** What a call is about; a paid one is told by the payment on it. */
function nameOf(url: string, headers: Headers): string {
  if (headers.has("payment-signature") || headers.has("x-payment")) return "payment";
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

const killing: typeof fetch = async (input, init) => {
  const name = nameOf(
    input instanceof Request ? input.url : String(input),
    new Headers(init?.headers),
  );
  if (killAt === `before ${name}`) return die();
  const response = await fetch(input, init);
  if (killAt !== `after ${name}`) return response;
  await response.arrayBuffer();
  return die();
};

await using ordering = await openOrdering({ ...options, fetch: killing });
if (change) await ordering.change(change.id, change.how);
else await ordering.order();
