/** `purser catalog` and `purser search`: what can be added, its price, and what it needs. Strangers' texts are shown as data. */
import {
  parseDecimal,
  type Price,
  PurserError,
  type ServiceFilter,
  type ServiceListing,
  type ServicesEnvelope,
} from "../../protocol/index.ts";
import type { Answer } from "./envelope.ts";
import { categoryLines } from "./categories.ts";
import { readCachedCatalog, readWholeCatalog } from "./catalog-cache.ts";
import type { ProjectCommand } from "./project-command.ts";
import { tableOf } from "./table-of.ts";

/** `only` is a provider or a category, which an @ before it says for sure. */
export async function catalog(command: ProjectCommand, only: string | undefined): Promise<Answer> {
  const envelope = await readCatalog(command, only);
  const answer = show(command, envelope, { isWhole: only === undefined });
  if (only !== undefined) return answer;
  const narrower = categoryLines(envelope.data.services, command.tool);
  return { ...answer, lines: [...answer.lines, ...narrower] };
}

export async function readCatalog(
  command: ProjectCommand,
  only: string | undefined,
): Promise<ServicesEnvelope> {
  if (only === undefined) return read(command, {});
  if (only.startsWith("@")) return read(command, { category: only.slice(1) });
  try {
    return await read(command, { provider: only.toLowerCase() });
  } catch (error) {
    if (!(error instanceof PurserError) || error.code !== "PROVIDER_UNKNOWN") throw error;
    const ofCategory = await read(command, { category: only.toLowerCase() });
    if (ofCategory.data.services.length === 0) throw error;
    return ofCategory;
  }
}

export async function search(command: ProjectCommand, query: string): Promise<Answer> {
  const envelope = await read(command, { query });
  const answer = show(command, envelope, { isWhole: false });
  const { services } = envelope.data;
  return { ...answer, data: { ...envelope.data, query, result_count: services.length } };
}

/** The whole catalog is kept for when the orchestrator cannot be reached; what it says then is marked as old. */
async function read(command: ProjectCommand, filter: ServiceFilter): Promise<ServicesEnvelope> {
  const { root } = command;
  try {
    const client = command.client();
    const whole = Object.keys(filter).length === 0;
    return whole && root !== undefined
      ? await readWholeCatalog(client, root)
      : await client.services(filter);
  } catch (error) {
    const cached = root === undefined ? undefined : readCachedCatalog(root, filter, error);
    if (cached) return cached;
    throw error;
  }
}

function show(
  { surroundings, tool }: ProjectCommand,
  { data, warnings }: ServicesEnvelope,
  { isWhole }: { isWhole: boolean },
): Answer {
  const { terminal } = surroundings;
  const rows = data.services.map((service) => [
    service.reference,
    service.kind,
    priceText(service),
    service.description,
  ]);
  const lines = tableOf(
    terminal,
    ["service", "kind", "price", "what it is"],
    rows,
    isWhole
      ? "The orchestrator has no provider whose services can be listed."
      : `Nothing fits. See all that there is with \`${tool} catalog\`.`,
  );
  const first = data.services.find(({ kind }) => kind === "deployable") ?? data.services[0];
  return {
    data,
    lines,
    warnings,
    nextSteps: nextSteps(),
  };

  function nextSteps(): string[] {
    if (first) return [`${tool} add ${first.reference} --preflight`];
    return isWhole ? [] : [`${tool} catalog`];
  }
}

/** Such as "free", "5.00 USD/month", "from 10.44 USD/year". */
export function priceText({ pricing }: Pick<ServiceListing, "pricing">): string {
  if (pricing.type !== "paid") return pricing.type;
  const prices = pricing.paid.toSorted((a, b) => (units(a) < units(b) ? -1 : 1));
  const [lowest] = prices;
  if (!lowest) return "paid";
  const varies = prices.some(({ amount }) => amount !== lowest.amount);
  return `${varies ? "from " : ""}${lowest.amount} ${lowest.currency.toUpperCase()}${per(lowest)}`;
}

function units({ amount }: Price): bigint {
  return parseDecimal(amount, 6);
}

function per({ interval }: Price): string {
  return interval === "one_time" ? "" : `/${interval}`;
}
