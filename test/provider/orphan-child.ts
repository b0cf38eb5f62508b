/** A process that runs a provider with a live Worker, says so, and then waits to be killed. */
import { connect, startAttestor } from "./attestor.ts";
import { answering, PAY_TO, upload } from "./shop.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startCloudflare } from "../../provider/index.ts";

const dir = process.argv[2];
if (dir === undefined) throw new Error("needs a folder");
const attestor = await startAttestor();
const server = await startCloudflare({
  dir,
  facilitatorUrl: "http://127.0.0.1:9",
  payTo: PAY_TO,
  asset: BASE_SEPOLIA_USDC,
  trust: [attestor.trust],
});
const { accountId, headers } = await connect(attestor, server.url);
const script = `${server.url}/client/v4/accounts/${accountId}/workers/scripts/site`;
await fetch(script, { method: "PUT", headers, body: upload(answering("alive")) });
const published = await fetch(`${script}/subdomain`, {
  method: "POST",
  headers: { ...headers, "content-type": "application/json" },
  body: JSON.stringify({ enabled: true }),
});
const { result } = (await published.json()) as { result: { url: string } };
const text = await (await fetch(result.url)).text();
process.stdout.write(`${JSON.stringify({ url: result.url, text })}\n`);
setInterval(() => {}, 1000);
