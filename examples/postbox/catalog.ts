import type { CatalogEntry } from "../../provider/index.ts";
import { priceOfBox, SIZES } from "./price.ts";

const capabilities = { gives: ["letters"], needs: [] };
const size = { type: "string", enum: SIZES, description: "Gigabytes; one if left out." };
const usd = { type: "freeform", currency: "usd" } as const;
// One for each size; the last holds where none is said.
const prices = [...SIZES.map((one) => ({ size: one })), {}].map((configuration) => {
  return { ...usd, ...priceOfBox(configuration), configuration };
});

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
    pricing: { type: "paid", paid: prices },
    requires_payment_method: true,
    capabilities,
    allowed_updates: [{ service: "tray", direction: "down" }],
  },
];
