/** A way for the person into a provider's own pages, signed in; it opens once, at the provider's own origin and nowhere else. */
import { type CatalogProvider, DeepLink, type DeepLinkOrder } from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { type Connections, notConnected } from "./connections.ts";
import { invalid } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";
import type { ProviderSession } from "./provider-session.ts";

export async function openDeepLink(
  { session, connections }: { session: ProviderSession; connections: Connections },
  asker: Asker,
  { provider, order }: { provider: CatalogProvider; order: DeepLinkOrder },
): Promise<DeepLink> {
  const { id } = provider.profile;
  if (!connections.find(asker.project, id)) throw notConnected(id);
  const { purpose, path } = order;
  const body = JSON.stringify({ purpose, ...(path === undefined ? {} : { path }) });
  const call = { method: "POST" as const, path: "/provisioning/deep_links", body };
  const answer = await session.send(asker, provider, call);
  const { data } = DeepLink.safeParse(answer.body);
  if (answer.status !== 200 || !data) throw refusal(id, "deep link", answer);
  if (new URL(data.url).origin !== new URL(provider.baseUrl).origin)
    throw invalid(`${id} leads to an address that is not its own.`);
  return data;
}
