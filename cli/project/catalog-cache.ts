/**
 * `.projects/cache/catalog.json`: the catalog as it was last read whole, with its `ETag`. It need not be sent again while it is the same, and it
 * is there when the orchestrator does not answer.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  type OrchestratorClient,
  type ServiceFilter,
  ServicesEnvelope,
} from "../../protocol/index.ts";
import { isUnreachable } from "./explain.ts";
import { writeWhole } from "./project-folder.ts";

const FILE = ".projects/cache/catalog.json";

const Kept = ServicesEnvelope.extend({ etag: z.string().max(200).optional() });

/** Reads the whole catalog, or finds that the one kept under `root` is still it. */
export async function readWholeCatalog(
  client: OrchestratorClient,
  root: string,
): Promise<ServicesEnvelope> {
  const { etag, ...kept } = readKept(root) ?? {};
  const read = await client.servicesIfChanged(etag);
  if (read === undefined) {
    const envelope = ServicesEnvelope.parse(kept);
    return { ...envelope, data: { ...envelope.data, source: "cache" } };
  }
  writeWhole(join(root, FILE), JSON.stringify({ ...read.answer, etag: read.etag }));
  return read.answer;
}

/** What was kept, filtered, where `error` says that nobody answered; undefined otherwise. */
export function readCachedCatalog(
  root: string,
  filter: ServiceFilter,
  error: unknown,
): ServicesEnvelope | undefined {
  if (!isUnreachable(error)) return undefined;
  const kept = readKept(root);
  if (!kept) return undefined;
  const { etag: _etag, ...envelope } = kept;
  const { data } = envelope;
  const words = filter.query?.toLowerCase();
  const services = data.services.filter(
    (service) =>
      (filter.provider === undefined || service.provider_id === filter.provider) &&
      (filter.category === undefined || service.categories.includes(filter.category)) &&
      (words === undefined || JSON.stringify(service).toLowerCase().includes(words)),
  );
  const warning = `The orchestrator does not answer; this is the catalog as it was read at ${data.last_updated}.`;
  return {
    ...envelope,
    data: { ...data, services, source: "cache" },
    warnings: [...envelope.warnings, warning],
  };
}

function readKept(root: string): z.output<typeof Kept> | undefined {
  try {
    return Kept.parse(JSON.parse(readFileSync(join(root, FILE), "utf8")));
  } catch {
    return undefined;
  }
}
