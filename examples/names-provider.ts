/**
 * A whole provider of one's own, on the kit: it sells domain names, cheaper than the local Cloudflare, and gives a mailbox with
 * them. Run it against a world that is up (docs/providers.md): `node examples/names-provider.ts world.json`.
 * In a project of your own, import from "purser/provider" and "purser/protocol" instead.
 */
import { readFileSync } from "node:fs";
import express from "express";
import { BASE_SEPOLIA_USDC } from "../protocol/index.ts";
import { type ProviderDefinition, ProvisioningError, startProvider } from "../provider/index.ts";

const NAMES: ProviderDefinition = {
  id: "names",
  name: "Names & Co.",
  termsVersion: "1",
  services: [
    {
      id: "domain",
      description: "A domain name for a year.",
      configuration_schema: { properties: { domain: { type: "string" } }, required: ["domain"] },
      pricing: { type: "paid", paid: [yearly("dev", "9.00"), yearly("com", "8.50")] },
      requires_payment_method: true,
      // What a planner looks for; the texts above are for people.
      capabilities: { gives: ["domain"], needs: [] },
      operations: {
        check: { method: "GET", path: "/names/{domain}", returns: { available: "/available" } },
        create: { method: "PUT", path: "/names/{domain}", paid: true },
      },
    },
    {
      id: "mailbox",
      description: "A mailbox for your names.",
      pricing: { type: "free" },
      capabilities: { gives: ["mail"], needs: [] },
    },
  ],
  open({ authenticate, till, database, newId }) {
    const table = "name (domain TEXT PRIMARY KEY, payment TEXT, sold INTEGER)";
    database.exec(`CREATE TABLE IF NOT EXISTS ${table}`);
    const find = database.query<{ payment: string }>("SELECT payment FROM name WHERE domain = ?");
    const api = express.Router();
    api.get("/names/:domain", async (request, response) => {
      await authenticate(request);
      response.json({ available: find.get(request.params["domain"]) === undefined });
    });
    api.put(
      "/names/:domain",
      till.sell<{ domain: string }>({
        name: "names",
        service: "domain",
        async quote(request) {
          const connection = await authenticate(request);
          const domain = String(request.params["domain"]).toLowerCase();
          if (!/^[a-z0-9-]{1,63}\.(dev|com)$/.test(domain) || find.get(domain)) throw taken(domain);
          return { connection, inputs: { domain }, order: { domain } };
        },
        hold({ order: { domain }, payment }) {
          database.run("INSERT OR IGNORE INTO name VALUES (?, ?, 0)", domain, payment);
          if (find.get(domain)?.payment !== payment) throw taken(domain);
        },
        deliver({ order: { domain }, payment }) {
          database.run("UPDATE name SET sold = 1 WHERE payment = ?", payment);
          return { status: 201, body: { domain } };
        },
        release({ payment }) {
          database.run("DELETE FROM name WHERE payment = ? AND sold = 0", payment);
        },
      }),
    );
    // A service without a `create` operation is added through the orchestrator: `provide` gives what its user needs.
    const mailbox = ({ id }: { id: string }) => ({ MAIL_USER: id, MAIL_PASSWORD: newId() });
    return { api, provide: { mailbox } };
  },
};

function yearly(extension: string, amount: string) {
  const freeform = `$${amount} for a year of .${extension}`;
  const terms = { type: "freeform", currency: "usd", interval: "year" } as const;
  return { ...terms, freeform, amount, configuration: { extension } };
}

function taken(domain: string): ProvisioningError {
  return new ProvisioningError("unavailable", {
    problem: `${domain} is not for sale.`,
    nextStep: "Choose another name.",
  });
}

// What `purser up --json` printed: the facilitator that settles for us, and whose signatures we trust.
const [file = "world.json"] = process.argv.slice(2);
const world = JSON.parse(readFileSync(file, "utf8"));
const server = await startProvider(NAMES, {
  dir: `${world.dir}-names`,
  facilitatorUrl: world.facilitatorUrl,
  payTo: "0x4a3e500000000000000000000000000000000001",
  asset: BASE_SEPOLIA_USDC,
  trust: [{ issuer: world.issuer, keysUrl: world.keysUrl, clientId: world.issuer }],
});
console.log(server.url);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void server.close());
