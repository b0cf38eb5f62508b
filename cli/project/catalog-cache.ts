/** `.projects/cache/catalog.json`: the catalog as it was last read whole, for when the orchestrator does not answer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PurserError, type ServiceFilter, ServicesEnvelope } from "../../protocol/index.ts";
import { writeWhole } from "./project-folder.ts";

const FILE = ".projects/cache/catalog.json";

export function cacheCatalog(root: string, envelope: ServicesEnvelope): void {
  writeWhole(join(root, FILE), JSON.stringify(envelope));
}

/** What was kept, filtered, where `error` says that nobody answered; undefined otherwise. */
export function readCachedCatalog(
  root: string,
  filter: ServiceFilter,
  error: unknown,
): ServicesEnvelope | undefined {
  const unreachable = error instanceof PurserError && error.code === "ORCHESTRATOR_UNREACHABLE";
  if (!unreachable) return undefined;
  let envelope: ServicesEnvelope;
  try {
    envelope = ServicesEnvelope.parse(JSON.parse(readFileSync(join(root, FILE), "utf8")));
  } catch {
    return undefined;
  }
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
