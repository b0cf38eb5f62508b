/**
 * A stock x402 client that pays with the buyer of a world that is up (docs/providers.md):
 * `node examples/x402-buyer.ts world.json <url>`. Its key is play money's; never put a real one into such a file.
 */
import { readFileSync } from "node:fs";
import { ExactEvmScheme } from "@x402/evm";
import { wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { privateKeyToAccount } from "viem/accounts";

const [file = "world.json", url = ""] = process.argv.slice(2);
const { buyer, caip2, asset } = JSON.parse(readFileSync(file, "utf8"));
const client = new ExactEvmScheme(privateKeyToAccount(buyer.privateKey));
const allowed = { network: caip2, asset: asset.address, maxAmountPerPayment: "1000000" };
const pay = wrapFetchWithPaymentFromConfig(fetch, {
  schemes: [{ network: caip2, client }],
  spendControls: { allowedAssets: [allowed] },
});
const response = await pay(url);
console.log(response.status, await response.text());
