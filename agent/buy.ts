/**
 * Buys a service at its provider's own API: the catalog's `create` operation, called with the account's token and paid, where
 * it answers 402, from the orchestrator's wallet. The same service with the same inputs is the same purchase, however often it
 * is asked for.
 */
import {
  payCall,
  type PayOutcome,
  quoteFor,
  remoteWallet,
  uncheckedPolicy,
  type WalletPort,
} from "../middleware/index.ts";
import {
  type CatalogProvider,
  type PurchaseRecord,
  purchaseId,
  PurserError,
  Secret,
  type Service,
} from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";
import { readAnswer } from "./provider-call.ts";
import type { Scrubber } from "./scrubber.ts";
import type { Session } from "./session.ts";

const OPERATION = "create";

export interface Order {
  /** Such as "cloudflare/registrar:domain". */
  reference: string;
  provider: CatalogProvider;
  service: Service;
  configuration: Readonly<Record<string, string>>;
}

export interface Bought {
  /** What the catalog says the provider's answer holds. */
  result: Record<string, unknown>;
  /** Absent where the provider asked for no payment. */
  record: PurchaseRecord | undefined;
}

/** Buys, or throws: the middleware's refusal, `PROVIDER_REFUSED`, `PAYMENT_UNKNOWN` or `PAID_NOT_DELIVERED`. */
export async function buy(session: Session, order: Order): Promise<Bought> {
  const outcome = await pay(session, order, false);
  const refused =
    outcome.kind === "delivered" && !outcome.record && outcome.response.status === 401;
  // The token may have expired; the orchestrator renews it, and nothing was paid yet.
  return settle(session, order, refused ? await pay(session, order, true) : outcome);
}

async function pay(
  session: Session,
  { reference, provider, configuration }: Order,
  fresh: boolean,
): Promise<PayOutcome> {
  const { orchestratorUrl, token, fetch, uncheckedOffers } = session.options;
  const [project, catalog, account] = await Promise.all([
    session.projectId(),
    session.catalog(),
    session.account(provider.profile.id, { fresh }),
  ]);
  const inputs = { ...configuration, account_id: account.id };
  const quote = quoteFor({ catalog, service: reference, operation: OPERATION, inputs });
  const { method, url, body } = quote.request;
  const purchase = { service: reference, operation: OPERATION, inputs };
  const wallet = remoteWallet({ orchestratorUrl, token, fetch });
  return payCall({
    request: {
      method,
      url,
      body,
      headers: {
        authorization: `Bearer ${account.token.reveal()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
    },
    quote,
    purchase: { id: purchaseId({ project, ...purchase }), ...purchase },
    wallet: withHeldPayments(wallet, session.scrubber),
    fetch,
    ...(uncheckedOffers === true ? { policy: uncheckedPolicy } : {}),
  });
}

async function settle(
  session: Session,
  { reference, provider, service }: Order,
  outcome: PayOutcome,
): Promise<Bought> {
  if (outcome.kind === "delivered") {
    const call = { provider, service, operation: OPERATION };
    return { result: await readAnswer(call, outcome.response), record: outcome.record };
  }
  if (outcome.kind === "refused") {
    const { error } = outcome;
    // An offer is refused here, before the orchestrator hears of it: nobody else would record it.
    if (/^(OFFER|CHALLENGE)_/.test(error.code)) {
      session.options.trace.append({ type: "refusal", service: reference, error });
    }
    throw new PurserError(error.code, error);
  }
  const { record, status } = outcome;
  const undelivered = outcome.kind === "undelivered";
  throw new AgentError(undelivered ? "PAID_NOT_DELIVERED" : "PAYMENT_UNKNOWN", {
    problem: undelivered
      ? `${reference} is paid for, and the provider answered ${status ?? "nothing"}.`
      : `A payment for ${reference} was sent, and nothing proves yet whether it arrived.`,
    nextStep: "Call add_service again with the same arguments; it is not paid twice.",
    details: paymentFacts(record),
  });
}

function paymentFacts({ state, amount, transaction }: PurchaseRecord): Record<string, string> {
  return { state, amount, ...(transaction === undefined ? {} : { transaction }) };
}

/** A wallet whose payments the scrubber knows, so that a provider that repeats one shows it to nobody. */
function withHeldPayments(wallet: WalletPort, scrubber: Scrubber): WalletPort {
  const hold = <T extends PurchaseRecord | undefined>(record: T): T => {
    if (record?.payment) scrubber.hold(new Secret(record.payment.value));
    return record;
  };
  return {
    find: async (purchase) => hold(await wallet.find(purchase)),
    authorize: async (order) => hold(await wallet.authorize(order)),
    report: async (purchase, outcome) => hold(await wallet.report(purchase, outcome)),
    findAnswer: async (purchase) => wallet.findAnswer?.(purchase),
  };
}
