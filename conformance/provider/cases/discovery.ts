/** What anybody may read: the catalog, the health, and where to get tokens. */
import { API_VERSION } from "../../../protocol/index.ts";
import type { ProviderCase } from "../case.ts";
import type { Visit } from "../visit.ts";

const APP = "APP 0.1d, provider endpoints";

const metadata = async ({ send }: Visit, name: string) =>
  (await send(`/.well-known/${name}`, { method: "GET", sign: false })).body;

export const DISCOVERY: readonly ProviderCase[] = [
  {
    id: "DISC-01",
    title: "its health names the version of the protocol",
    basis: APP,
    mend: `Answer GET /provisioning/health with {"supported_versions":["${API_VERSION}"],"status":"ok"}.`,
    run: async ({ send }) => {
      const { status, body } = await send("/provisioning/health", { method: "GET" });
      const versions = body["supported_versions"];
      const good =
        Array.isArray(versions) && versions.includes(API_VERSION) && body["status"] === "ok";
      return good ? undefined : `${status} ${JSON.stringify(body).slice(0, 200)}`;
    },
  },
  {
    id: "DISC-02",
    title: "its issuer has the origin that it is reached at",
    basis: "RFC 8414, section 3.3",
    mend: "Write the public origin into the profile's issuer.",
    run: async ({ url, page }) => {
      const { issuer } = page.provider;
      return URL.parse(issuer)?.origin === new URL(url).origin ? undefined : issuer;
    },
  },
  {
    id: "DISC-03",
    title: "no service stands in its catalog twice",
    basis: APP,
    mend: "Give each service an id of its own.",
    run: async ({ page }) => {
      const ids = page.data.map(({ id }) => id);
      return ids.find((id, at) => ids.indexOf(id) !== at);
    },
  },
  {
    id: "DISC-04",
    title: "a service can only become one that there is",
    basis: "APP 0.1d, allowed_updates",
    mend: "Name services of this catalog in allowed_updates.",
    run: async ({ page }) => {
      const ids = new Set(page.data.map(({ id }) => id));
      const to = page.data.flatMap(({ allowed_updates = [] }) => allowed_updates);
      return to.find(({ service }) => !ids.has(service))?.service;
    },
  },
  {
    id: "DISC-05",
    title: "where something costs money, the profile says whom and in what to pay",
    basis: "ProviderProfile.payment",
    mend: "Name a recipient in pay_to, and a token in assets.",
    run: async ({ page: { data, provider } }) => {
      if (data.every(({ pricing }) => pricing.type === "free")) return undefined;
      const { pay_to, assets } = provider.payment;
      return pay_to.length > 0 && assets.length > 0 ? undefined : "neither a recipient nor a token";
    },
  },
  {
    id: "META-01",
    title: "its authorization server says that it takes PKCE with S256",
    basis: "RFC 8414, section 2; RFC 7636",
    mend: "Serve /.well-known/oauth-authorization-server with code_challenge_methods_supported.",
    run: async (visit) => {
      const found = await metadata(visit, "oauth-authorization-server");
      const methods = found["code_challenge_methods_supported"];
      return Array.isArray(methods) && methods.includes("S256")
        ? undefined
        : JSON.stringify(methods);
    },
  },
  {
    id: "META-02",
    title: "its resource metadata names its authorization server",
    basis: "RFC 9728, section 2",
    mend: "Serve /.well-known/oauth-protected-resource with resource and authorization_servers.",
    run: async (visit) => {
      const servers = (await metadata(visit, "oauth-protected-resource"))["authorization_servers"];
      const { issuer } = visit.page.provider;
      return Array.isArray(servers) && servers.includes(issuer)
        ? undefined
        : JSON.stringify(servers);
    },
  },
];
