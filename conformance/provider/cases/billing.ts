/** What a resource costs after it was made: a change that costs more, and the next period; as far as that shows without paying. */
import { randomUUID } from "node:crypto";
import { parseChallenge, parseDecimal, ProvisioningQuote } from "../../../protocol/index.ts";
import { notTaken, type ProviderCase } from "../case.ts";
import { type Answer, sayAnswer, type Session, type Visit } from "../visit.ts";

const PATH = "/provisioning/resources";

interface Made {
  session: Session;
  id: string;
}

async function make(visit: Visit, service: string | undefined): Promise<Made | Answer> {
  const session = await visit.connect();
  const headers = { ...session.headers, "idempotency-key": randomUUID() };
  const made = await visit.send(PATH, {
    body: { service_id: service, configuration: {} },
    headers,
  });
  const { id } = made.body;
  return made.body["status"] === "complete" && typeof id === "string" ? { session, id } : made;
}

async function quote(visit: Visit, { headers }: Session, body: object) {
  const answer = await visit.send("/provisioning/quotes", { body, headers });
  return ProvisioningQuote.safeParse(answer.body).data ?? answer;
}
const isMade = (found: Made | Answer): found is Made => "session" in found;
const isQuote = (found: ProvisioningQuote | Answer): found is ProvisioningQuote => "hash" in found;
const named = ({ id, hash }: ProvisioningQuote) => ({ quote_id: id, quote_hash: hash });

export const BILLING: readonly ProviderCase[] = [
  {
    id: "CHNG-01",
    title: "a change that costs more is not made without its quote, and its 402 asks exactly that",
    needs: ["trust", "upgrade", "quotes"],
    basis: "APP 0.1d, update_service; POST /provisioning/quotes with purpose update",
    mend: "Sell a change that costs more at its quote, and leave the resource as it is until it is paid.",
    run: async (visit) => {
      const made = await make(visit, visit.upgrade?.from);
      if (!isMade(made)) return sayAnswer(made);
      const { session, id } = made;
      const change = { service_id: visit.upgrade?.to, configuration: {} };
      const given = await quote(visit, session, { ...change, purpose: "update", resource_id: id });
      if (!isQuote(given)) return sayAnswer(given);
      const ask = (body: object) =>
        visit.send(`${PATH}/${id}/update_service`, {
          body,
          headers: { ...session.headers, "idempotency-key": randomUUID() },
        });
      const unquoted = notTaken(await ask(change));
      if (unquoted !== undefined) return `without a quote: ${unquoted}`;
      const priced = await ask({ ...change, ...named(given) });
      if (priced.status !== 402) return sayAnswer(priced);
      const header = priced.headers.get("payment-required");
      const offers = parseChallenge({ header, body: JSON.stringify(priced.body) });
      const due = parseDecimal(given.amount, 6);
      const wrong = offers.find(({ amount }) => amount !== due);
      if (wrong) return `${wrong.amount} units, and the quote says ${given.amount}`;
      const { headers } = session;
      const after = await visit.send(`${PATH}/${id}`, { method: "GET", headers });
      return after.body["service_id"] === visit.upgrade?.from ? undefined : sayAnswer(after);
    },
  },
  {
    id: "RENW-01",
    title:
      "what is billed by use is renewed at its quote, and where nothing was used that costs nothing",
    needs: ["trust", "usage", "quotes"],
    basis:
      "POST /provisioning/resources/{id}/renew; POST /provisioning/quotes with purpose renewal",
    mend: "Quote what was used since the last period, and begin the next one when that is paid or nothing.",
    run: async (visit) => {
      const made = await make(visit, visit.usage?.id);
      if (!isMade(made)) return sayAnswer(made);
      const { session, id } = made;
      const renewal = { service_id: visit.usage?.id, purpose: "renewal", resource_id: id };
      const given = await quote(visit, session, renewal);
      if (!isQuote(given)) return sayAnswer(given);
      if (parseDecimal(given.amount, 6) !== 0n) return `${given.amount} for nothing used`;
      const renew = ({ headers }: Session, body: object) =>
        visit.send(`${PATH}/${id}/renew`, {
          body,
          headers: { ...headers, "idempotency-key": randomUUID() },
        });
      const changed = notTaken(await renew(session, { ...named(given), quote_hash: "x" }));
      if (changed !== undefined) return `with another hash: ${changed}`;
      const theirs = notTaken(await renew(await visit.connect(), named(given)));
      if (theirs !== undefined) return `by another account: ${theirs}`;
      const renewed = await renew(session, named(given));
      return renewed.body["id"] === id ? undefined : sayAnswer(renewed);
    },
  },
];
