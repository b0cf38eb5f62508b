/**
 * Buys a service that is had by calling its own operation, such as a domain: once the person has agreed to the catalog's price, in a run
 * that may spend that much at that provider and nothing else. It is the purchase that an agent would make, so either finds the other's.
 */
// Not by the agent's door: what a model needs takes a second to load, and no model is asked.
import { buyService } from "../../agent/buy-service.ts";
import {
  type Price,
  priceOf,
  type ProjectStatus,
  PurserError,
  Secret,
  type OrchestratorClient,
  providerOf,
} from "../../protocol/index.ts";
import { withWord } from "./confirm.ts";
import { confirmPrice } from "./confirm-price.ts";
import type { Answer } from "./envelope.ts";
import { type Order, sorted } from "./order.ts";
import type { OpenProject, ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";

/** Long enough for a payment to be settled and looked up. */
const RUN_MS = 10 * 60 * 1000;

export interface Purchase {
  project: OpenProject;
  order: Order;
  line: string;
}

export async function purchase(
  command: ProjectCommand,
  client: OrchestratorClient,
  { project, order, line }: Purchase,
): Promise<Answer> {
  const { service, configuration } = order;
  const { status } = await command.read(client, project);
  const before = findPurchase(status, order);
  if (before?.state === "settled") return told(command, order, before, {}, "Bought already:");
  if (status.payment_method === null) throw noPaymentMethod();
  const price = await findPrice(client, order);
  const provider = providerOf(service);
  await withWord(command, line, ({ accept_terms }) =>
    client.connect(project.id, { provider, ...(accept_terms ? { accept_terms } : {}) }),
  );
  // What was begun is agreed to, and is finished rather than bought anew.
  if (price && !before) {
    const { amount, currency, interval } = price;
    await confirmPrice(command, line, {
      details: { service, amount, currency, interval },
      mayFlag: true,
    });
  }
  const run = await client.startRun(project.id, {
    budget: price?.amount ?? "0",
    providers: [provider],
    expires_at: new Date(Date.now() + RUN_MS).toISOString(),
  });
  const { result } = await buyService({
    orchestratorUrl: command.address().url,
    token: new Secret(run.token),
    reference: service,
    configuration,
    fetch: globalThis.fetch,
    now: Date.now,
    signal: command.surroundings.signal,
  });
  const after = await command.read(client, project);
  return told(command, order, findPurchase(after.status, order), result);
}

/** The catalog's; null where it is free. */
async function findPrice(
  client: OrchestratorClient,
  { service, configuration }: Order,
): Promise<Price | null> {
  const { data } = await client.services({ provider: providerOf(service) });
  const listing = data.services.find(({ reference }) => reference === service);
  if (listing) return priceOf({ ...listing, id: service }, configuration);
  throw new ProjectError("UNKNOWN_ERROR", {
    problem: `The catalog has no entry of ${service} any more.`,
    nextStep: "Look at the catalog, and try again.",
  });
}

type PurchaseView = ProjectStatus["purchases"][number];

/** The same service for the same configuration; the account's id is in every purchase's inputs. */
function findPurchase(
  { purchases }: ProjectStatus,
  { service, configuration }: Order,
): PurchaseView | undefined {
  return purchases.find(({ inputs, state, ...one }) => {
    const { account_id: _account, ...rest } = inputs;
    const same = JSON.stringify(sorted(rest)) === JSON.stringify(sorted(configuration));
    return one.service === service && same && state !== "released";
  });
}

function told(
  { surroundings, tool }: ProjectCommand,
  { service, configuration }: Order,
  made: PurchaseView | undefined,
  result: Record<string, unknown>,
  did = "Bought",
): Answer {
  const { good, bold } = surroundings.terminal.paint;
  const what = Object.values(configuration).join(" ");
  return {
    data: { purchase: { reference: service, configuration, ...made }, result },
    lines: [
      `${good(did)} ${bold(service)} ${what}`.trimEnd(),
      ...(made ? [`  paid  ${made.amount} USD, ${made.state}`] : []),
    ],
    nextSteps: [`${tool} status`],
  };
}

function noPaymentMethod(): PurserError {
  return new PurserError("PAYMENT_METHOD_REQUIRED", {
    problem: "The person has no payment method with this orchestrator.",
    nextStep: "Let the person add one there, then run the command again.",
  });
}
