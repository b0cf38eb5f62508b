import type { CatalogEntry } from "../../provider/index.ts";

const capabilities = { gives: ["letters"], needs: [] };
const size = {
  type: "string",
  pattern: "^[1-9][0-9]?$",
  description: "Gigabytes; one if left out.",
};
const price = { type: "freeform", amount: "0.50", currency: "usd", interval: "month" } as const;

export const SERVICES: readonly CatalogEntry[] = [
  {
    id: "tray",
    description: "A tray that keeps letters until they are fetched.",
    pricing: { type: "free" },
    capabilities,
    allowed_updates: [{ service: "box", direction: "up" }],
  },
  {
    id: "box",
    description: "A large box of letters, by the gigabyte.",
    configuration_schema: { type: "object", properties: { size }, additionalProperties: false },
    pricing: { type: "paid", paid: [{ ...price, freeform: "$0.50 a gigabyte and month" }] },
    requires_payment_method: true,
    capabilities,
    allowed_updates: [{ service: "tray", direction: "down" }],
  },
];
