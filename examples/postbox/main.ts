import { readFileSync } from "node:fs";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import { openBoxes } from "./boxes.ts";
import { SERVICES } from "./catalog.ts";

const postbox = { id: "postbox", name: "Postbox", termsVersion: "1", services: SERVICES };

// What `purser up --json` printed, and whom to trust besides.
const [file = "world.json", ...others] = process.argv.slice(2);
const world = JSON.parse(readFileSync(file, "utf8"));
const orchestrator = { issuer: world.issuer, keysUrl: world.keysUrl, clientId: world.issuer };
const server = await startProvider(
  { ...postbox, open: openBoxes },
  {
    dir: `${world.dir}-postbox`,
    facilitatorUrl: world.facilitatorUrl,
    payTo: "0x4a3e500000000000000000000000000000000002",
    asset: BASE_SEPOLIA_USDC,
    trust: [orchestrator, ...others.map((entry) => JSON.parse(entry))],
  },
);
console.log(server.url);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void server.close());
