/** What is added, once and for its own account alone; and what it costs, as it was quoted. */
import { randomUUID } from "node:crypto";
import {
  parseChallenge,
  parseDecimal,
  ProvisioningQuote,
  quoteHash,
  ResourceResponse,
} from "../../../protocol/index.ts";
import { type ProviderCase, refused } from "../case.ts";
import { type Answer, sayAnswer, type Session, type Visit } from "../visit.ts";

const PATH = "/provisioning/resources";
const BASIS = "APP 0.1d, resources";
const KEYS = "Idempotency-Key: the same request once, another one refused";
const QUOTE = "POST /provisioning/quotes";

const add = ({ send }: Visit, { headers }: Session, body: object, key?: string): Promise<Answer> =>
  send(PATH, {
    body,
    headers: { ...headers, ...(key === undefined ? {} : { "idempotency-key": key }) },
  });
const order = ({ free }: Visit) => ({ service_id: free?.id, configuration: {} });

async function quoted(visit: Visit, { headers }: Session): Promise<ProvisioningQuote | Answer> {
  const body = { service_id: visit.paid?.id };
  const answer = await visit.send("/provisioning/quotes", { body, headers });
  return ProvisioningQuote.safeParse(answer.body).data ?? answer;
}
const isAnswer = (found: ProvisioningQuote | Answer): found is Answer => "headers" in found;
const named = ({ id, hash, service_id }: ProvisioningQuote) => ({
  service_id,
  configuration: {},
  quote_id: id,
  quote_hash: hash,
});

export const RESOURCES: readonly ProviderCase[] = [
  {
    id: "RSRC-01",
    title: "a free service is added, and can be asked after",
    needs: ["trust", "free"],
    basis: BASIS,
    mend: "Answer complete with access_configuration, or pending, and the same at GET.",
    run: async (visit) => {
      const session = await visit.connect();
      const made = await add(visit, session, order(visit), randomUUID());
      const { data } = ResourceResponse.safeParse(made.body);
      if (data?.status !== "complete" && data?.status !== "pending") return sayAnswer(made);
      const { headers } = session;
      const asked = await visit.send(`${PATH}/${data.id}`, { method: "GET", headers });
      return asked.body["id"] === data.id ? undefined : `GET: ${sayAnswer(asked)}`;
    },
  },
  {
    id: "RSRC-02",
    title: "the same key gets the same resource, also for copies that arrive at once",
    needs: ["trust", "free"],
    basis: KEYS,
    mend: "Derive the resource from account and key, or keep the key with it in one transaction.",
    run: async (visit) => {
      const session = await visit.connect();
      const key = randomUUID();
      const copies = await Promise.all(
        [1, 2, 3, 4].map(() => add(visit, session, order(visit), key)),
      );
      const ids = new Set(copies.map(({ body }) => body["id"]));
      return ids.size === 1 && !ids.has(undefined) ? undefined : `${ids.size} resources`;
    },
  },
  {
    id: "RSRC-03",
    title: "the same key for something else is refused",
    needs: ["trust", "free"],
    basis: KEYS,
    mend: "Keep a digest of the request with the key, and answer 422 idempotency_conflict.",
    run: async (visit) => {
      const session = await visit.connect();
      const key = randomUUID();
      await add(visit, session, order(visit), key);
      const other = visit.page.data.find(
        ({ id, pricing }) => id !== visit.free?.id && pricing.type === "free",
      );
      if (!other) return undefined;
      const answer = await add(visit, session, { service_id: other.id }, key);
      return answer.status >= 400 && answer.status < 500 ? undefined : sayAnswer(answer);
    },
  },
  {
    id: "RSRC-04",
    title: "without a key nothing is added",
    needs: ["trust", "free"],
    basis: KEYS,
    mend: "Answer 400 idempotency_key_missing in the status envelope.",
    run: async (visit) =>
      refused(
        await add(visit, await visit.connect(), order(visit)),
        400,
        "idempotency_key_missing",
        "status",
      ),
  },
  {
    id: "RSRC-05",
    title: "what is not in the catalog cannot be added",
    needs: ["trust"],
    basis: BASIS,
    mend: "Answer 404 unknown_service in the status envelope.",
    run: async (visit) => {
      const body = { service_id: "no-such-service" };
      return refused(
        await add(visit, await visit.connect(), body, randomUUID()),
        404,
        "unknown_service",
        "status",
      );
    },
  },
  {
    id: "RSRC-06",
    title: "another account's resource is not there",
    needs: ["trust", "free"],
    basis: BASIS,
    mend: "Answer 404 not_found where the resource is not the token's account's and project's.",
    run: async (visit) => {
      const made = await add(visit, await visit.connect(), order(visit), randomUUID());
      const { headers } = await visit.connect();
      const path = `${PATH}/${String(made.body["id"])}`;
      const look = await visit.send(path, { method: "GET", headers });
      const gone = await visit.send(`${path}/remove`, { body: {}, headers });
      return refused(look, 404, "not_found", "status") ?? refused(gone, 404, "not_found", "status");
    },
  },
  {
    id: "RSRC-07",
    title: "what is removed says so, and is removed once",
    needs: ["trust", "free", "removal"],
    basis: BASIS,
    mend: 'Answer {"status":"removed","id"}, also the second time.',
    run: async (visit) => {
      const session = await visit.connect();
      const made = await add(visit, session, order(visit), randomUUID());
      const path = `${PATH}/${String(made.body["id"])}`;
      const { headers } = session;
      for (const answer of [
        await visit.send(`${path}/remove`, { body: {}, headers }),
        await visit.send(`${path}/remove`, { body: {}, headers }),
        await visit.send(path, { method: "GET", headers }),
      ])
        if (answer.body["status"] !== "removed") return sayAnswer(answer);
      return undefined;
    },
  },
  {
    id: "QUOT-01",
    title: "a quote's hash is over what it says",
    needs: ["trust", "paid", "quotes"],
    basis: QUOTE,
    mend: "Compute it as quoteHash of purser/protocol does.",
    run: async (visit) => {
      const quote = await quoted(visit, await visit.connect());
      if (isAnswer(quote)) return sayAnswer(quote);
      return quoteHash(quote, {}) === quote.hash ? undefined : "another hash";
    },
  },
  {
    id: "QUOT-02",
    title: "what costs money is not added without a quote",
    needs: ["trust", "paid", "quotes"],
    basis: QUOTE,
    mend: "Answer 400 quote_required.",
    run: async (visit) => {
      const body = { service_id: visit.paid?.id, configuration: {} };
      return refused(
        await add(visit, await visit.connect(), body, randomUUID()),
        400,
        "quote_required",
        "status",
      );
    },
  },
  {
    id: "QUOT-03",
    title: "the 402 asks exactly the quote's amount, for a recipient of the profile's",
    needs: ["trust", "paid", "quotes"],
    basis: "x402, PaymentRequirements",
    mend: "Take amount and payee from the quote and the profile, for each offer.",
    run: async (visit) => {
      const session = await visit.connect();
      const quote = await quoted(visit, session);
      if (isAnswer(quote)) return sayAnswer(quote);
      if (parseDecimal(quote.amount, 6) === 0n) return undefined;
      const answer = await add(visit, session, named(quote), randomUUID());
      if (answer.status !== 402) return sayAnswer(answer);
      const header = answer.headers.get("payment-required");
      const offers = parseChallenge({ header, body: JSON.stringify(answer.body) });
      const payees = visit.page.provider.payment.pay_to.map((one) => one.toLowerCase());
      const wrong = offers.find(
        ({ amount, payTo }) =>
          amount !== parseDecimal(quote.amount, 6) || !payees.includes(payTo.toLowerCase()),
      );
      return wrong && `${wrong.amount} units to ${wrong.payTo}, and the quote says ${quote.amount}`;
    },
  },
  {
    id: "QUOT-04",
    title: "another project's quote, or another hash, buys nothing",
    needs: ["trust", "paid", "quotes"],
    basis: QUOTE,
    mend: "Bind a quote to the connection that it was given to, and compare the hash.",
    run: async (visit) => {
      const session = await visit.connect();
      const quote = await quoted(visit, session);
      if (isAnswer(quote)) return sayAnswer(quote);
      const theirs = await add(visit, await visit.connect(), named(quote), randomUUID());
      const changed = await add(visit, session, { ...named(quote), quote_hash: "x" }, randomUUID());
      return [theirs, changed]
        .map((answer) =>
          answer.status === 402 || answer.status < 400 ? sayAnswer(answer) : undefined,
        )
        .find((seen) => seen !== undefined);
    },
  },
  {
    id: "QUOT-05",
    title: "the provider keeps to the mandate by itself",
    needs: ["trust", "paid", "quotes"],
    basis: "MandateClaims.max_amount_per_month",
    mend: "Refuse what is over the mandate with 403 spend_limit_exceeded, before any price is asked.",
    run: async (visit) => {
      const session = await visit.connect();
      const quote = await quoted(visit, session);
      if (isAnswer(quote)) return sayAnswer(quote);
      if (parseDecimal(quote.amount, 6) === 0n) return undefined;
      const mandate = await visit.mandate({ version: 2, max_amount_per_month: "0.00" });
      const answer = await add(visit, session, { ...named(quote), mandate }, randomUUID());
      return refused(answer, 403, "spend_limit_exceeded", "status");
    },
  },
  {
    id: "LINK-01",
    title: "a deep link is this provider's, and a path of another's is refused",
    needs: ["trust", "deep_links"],
    basis: "APP 0.1d, deep_links",
    mend: "Build the URL on the server, and refuse paths that lead elsewhere.",
    run: async (visit) => {
      const { headers } = await visit.connect();
      const [purpose] = visit.page.provider.deep_link_purposes ?? [];
      const ask = (path?: string) =>
        visit.send("/provisioning/deep_links", { body: { purpose, path }, headers });
      const made = await ask();
      const { origin } = new URL(visit.url);
      if (URL.parse(String(made.body["url"]))?.origin !== origin) return sayAnswer(made);
      const away = await ask("//elsewhere.example");
      return away.status >= 400 && away.status < 500
        ? undefined
        : `a path to elsewhere: ${sayAnswer(away)}`;
    },
  },
];
