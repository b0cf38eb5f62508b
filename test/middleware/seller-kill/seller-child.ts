/**
 * A seller in a process of its own, to be killed: three routes behind the paywall, one database, one refund account. Started with a
 * `SellerPlan` as its argument; says where it listens once its recovery is over. `POST /die?nth=n` has it die at its n-th step.
 */
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { privateKeyToAccount } from "viem/accounts";
import {
  accountSigner,
  openRefunds,
  paywall,
  refundAmends,
  REFUND_SIGNER_LIMITS,
  saleOf,
} from "../../../middleware/index.ts";
import { httpFacilitator } from "../../../middleware/paywall/http-facilitator.ts";
import { openDatabase } from "../../../store/index.ts";
import type { SellerPlan, SellerRoute } from "./seller.ts";
import { Steps, steppingDatabase, steppingFacilitator, steppingSigner } from "./steps.ts";

const plan = JSON.parse(process.argv[2] ?? "") as SellerPlan;
const steps = new Steps();
const db = steppingDatabase(openDatabase(plan.path), steps);
db.exec(`CREATE TABLE IF NOT EXISTS delivery (key TEXT PRIMARY KEY, route TEXT NOT NULL) STRICT`);
const facilitator = steppingFacilitator(httpFacilitator(plan.facilitatorUrl), steps);
const account = privateKeyToAccount(plan.refundKey);
const refunds = openRefunds({
  db,
  facilitator,
  signer: steppingSigner(accountSigner(account, { limits: REFUND_SIGNER_LIMITS }), steps),
});
const { payTo } = plan;
const common = { price: "0.01", payTo, db, facilitator } as const;
const gates: Readonly<Record<SellerRoute, ReturnType<typeof paywall>>> = {
  "work-first": paywall({ ...common, flow: "work-first", name: "work-first" }),
  "settle-first": paywall({ ...common, flow: "settle-first", name: "settle-first" }),
  failing: paywall({
    ...common,
    flow: "settle-first",
    name: "failing",
    afterFailure: refundAmends(refunds),
  }),
};

/** Idempotent by payment, as the paywall asks of work. */
const work =
  (route: SellerRoute): RequestHandler =>
  (request, response) => {
    const { payer, nonce } = saleOf(request);
    steps.pass("before work");
    const key = `${payer}/${nonce}`.toLowerCase();
    if (route !== "failing") db.run("INSERT OR IGNORE INTO delivery VALUES (?, ?)", key, route);
    steps.pass("after work");
    response.status(route === "failing" ? 500 : 201).json({ route, nonce });
  };

const app = express();
app.post("/die", (request, response) => {
  const { name, nth } = request.query;
  const plan = { name: typeof name === "string" ? name : undefined, nth: Number(nth) };
  response.on("close", () => steps.dieAt(plan));
  response.json({});
});
for (const [route, gate] of Object.entries(gates)) {
  const answered: RequestHandler = (_, response, next) => {
    response.on("finish", () => steps.pass("after answer"));
    next();
  };
  app.post(`/${route}`, express.json(), answered, gate, work(route as SellerRoute));
}
await refunds.recover();
for (const gate of Object.values(gates)) await gate.recover();
const server = app.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
// It does not outlive whoever started it.
process.stdin.on("end", () => process.exit(0)).resume();
