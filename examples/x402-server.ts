/**
 * An x402 server as anybody has one, with no catalog and nothing of Purser's: the stock middleware, pointed at a world that is
 * up (docs/providers.md): `node examples/x402-server.ts world.json`.
 */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import express from "express";

const [file = "world.json"] = process.argv.slice(2);
const { facilitatorUrl, caip2, asset } = JSON.parse(readFileSync(file, "utf8"));
if (!(facilitatorUrl && caip2 && asset)) {
  console.error(`${file} is not what \`purser up --json\` prints of a world that is up.`);
  process.exit(2);
}
const { name, version } = asset;
const price = { amount: "10000", asset: asset.address, extra: { name, version } };
const payTo = "0x402402402402402402402402402402402402402a";
const app = express();
app.use(
  paymentMiddlewareFromConfig(
    { "GET /weather": { accepts: { scheme: "exact", network: caip2, payTo, price } } },
    new HTTPFacilitatorClient({ url: facilitatorUrl }),
    [{ network: caip2, server: new ExactEvmScheme() }],
  ),
);
app.get("/weather", (_, response) => void response.json({ weather: "rain" }));
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
