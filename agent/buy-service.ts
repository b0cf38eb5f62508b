/** Buys one service at its provider's own API without an agent: what a person orders by hand is paid on the same way, in a run of its own. */
import { findService, type Secret } from "../protocol/index.ts";
import { type Bought, buy } from "./buy.ts";
import { Session } from "./session.ts";

interface BuyServiceOptions {
  orchestratorUrl: string;
  /** The run's capability token; its budget is the most that is paid. */
  token: Secret;
  /** Such as "cloudflare/registrar:domain". */
  reference: string;
  configuration: Readonly<Record<string, string>>;
  fetch: typeof fetch;
  now: () => number;
  signal: AbortSignal;
}

/** Buys it, or finds that it is bought; throws as an agent's purchase does. */
export async function buyService({
  reference,
  configuration,
  ...options
}: BuyServiceOptions): Promise<Bought> {
  const session = new Session({ ...options, trace: { append: () => {} } });
  const found = findService(await session.catalog(), reference);
  return buy(session, { reference, ...found, configuration });
}
