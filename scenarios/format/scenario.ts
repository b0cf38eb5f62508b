/**
 * A scenario is a story for an agent with money: the goal in a person's words, the budget, how the human answers, what the
 * world is like, and what must hold at the end. The agent sees the goal alone. Every field stands in `docs/scenarios.md`.
 */
import { z } from "zod";

const Decimal = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'is plain digits in quotes, such as "25.00"')
  .meta({ examples: ["25.00"] });
const Line = z.string().min(1).max(2000);
const Domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "is a domain name in lower case, such as nimbus.dev");
const ServiceName = z
  .string()
  .max(160)
  .regex(/^[^/\s]+\/[^\s]+$/, "is a service, such as cloudflare/registrar:domain");
const Answer = z.enum(["accept", "decline"]);
const Count = z.int().min(0).optional();
/** One entry stands for a list of one. */
const oneOrMore = <T extends z.ZodType>(item: T, max = 50) =>
  z
    .union([item, z.array(item).min(1).max(max)])
    .transform((value) => [value].flat() as z.output<T>[]);

const HumanPolicy = z
  .strictObject({
    terms: Answer.optional().describe(
      "Answer when a provider's terms of service must be accepted.",
    ),
    consent: Answer.optional().describe(
      "Answer when an existing account must be opened to the project.",
    ),
    payment_method: Answer.optional().describe(
      "Answer when a service wants a payment method on file.",
    ),
    approval: Answer.optional().describe("Answer when a step wants an explicit yes."),
    question: oneOrMore(Line)
      .optional()
      .describe("Answers to the agent's own questions, in order; the last one is used again."),
  })
  .describe("How the human answers. What is not named here is declined, and recorded so.");

const WorldOptions = z
  .strictObject({
    taken: oneOrMore(Domain, 1000).default([]).describe("Domains that somebody else owns already."),
    cap: Decimal.default("100.00").describe("The cap per provider and month, in US dollars."),
    payment_method: z
      .enum(["wallet", "none"])
      .default("wallet")
      .describe("`wallet`: the user has a funded wallet. `none`: nothing can be paid."),
    files: z
      .string()
      .max(500)
      .optional()
      .describe("A folder of the user's own, relative to the scenario, that the agent may deploy."),
    offer: z
      .strictObject({
        amount: Decimal.optional().describe("The 402 asks this, whatever the catalog says."),
        pay_to: z
          .enum(["stranger", "second"])
          .optional()
          .describe(
            "Whom the 402 names: `stranger`, whom the catalog does not list, or `second`, another address of the provider's that it lists.",
          ),
      })
      .optional()
      .describe("Where the provider's 402 differs from its catalog."),
    describe: z
      .record(z.string().max(100), z.string().max(2000))
      .default({})
      .describe("Texts in the provider's catalog, by service id, in place of its own."),
  })
  .describe("What the world is like.");

const UrlCheck = z.strictObject({
  method: z
    .enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    .default("GET")
    .describe("The request's method."),
  path: z
    .string()
    .max(2000)
    .startsWith("/", "starts with /")
    .default("/")
    .describe("The path and query on the live site."),
  body: z.string().max(100_000).optional().describe("Sent as it stands."),
  type: z.string().max(100).optional().describe("The body's content type."),
  status: oneOrMore(z.int().min(100).max(599)).default([200]).describe("Any one of these."),
  contains: oneOrMore(Line).default([]).describe("Texts that the answer's body must hold."),
  lacks: oneOrMore(Line).default([]).describe("Texts that it must not hold."),
});

const Expectation = z
  .strictObject({
    outcome: z
      .enum(["live", "answered", "refused", "failed"])
      .default("live")
      .describe(
        "`live`: a URL answers. `answered`: a question was answered. `refused`: the agent rightly stopped. `failed`: it could not.",
      ),
    url: oneOrMore(UrlCheck)
      .optional()
      .describe(
        "Requests to the live URL, in order. Without it a live run must answer 200 at `/`.",
      ),
    domain: z
      .union([z.literal("none"), Domain, z.array(Domain).min(1).max(50)])
      .transform((value) => (value === "none" ? [] : [value].flat()))
      .optional()
      .describe(
        "Domains that must be registered to the run's own account, and no others may be; or `none`.",
      ),
    bought: z
      .union([z.literal("nothing"), ServiceName, z.array(ServiceName).max(50)])
      .transform((value) => (value === "nothing" ? value : [value].flat()))
      .optional()
      .describe(
        "The paid services, such as `cloudflare/registrar:domain`, as often as each was bought.",
      ),
    spent: z
      .union([
        Decimal,
        z.strictObject({
          at_least: Decimal.optional().describe("At least this."),
          at_most: Decimal.optional().describe("At most this."),
        }),
      ])
      .optional()
      .describe("What was spent in all: exactly, or within bounds."),
    asks: z
      .strictObject({
        total: Count.describe("Exactly so often in all."),
        at_most: Count.describe("At most so often in all."),
        terms: Count.describe("Exactly so often about this kind."),
        consent: Count.describe("Exactly so often about this kind."),
        payment_method: Count.describe("Exactly so often about this kind."),
        approval: Count.describe("Exactly so often about this kind."),
        question: Count.describe("Exactly so often about this kind."),
      })
      .optional()
      .describe("How often the human was asked, in all and by kind."),
    says: oneOrMore(Line)
      .optional()
      .describe("Texts that the agent's own last words must hold, in any case of letters."),
  })
  .describe("What must hold at the end, seen from outside.");

/** The front matter of a scenario file. */
export const FrontMatter = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, "is lower-case letters, digits and dashes")
    .optional()
    .describe("Its name in reports; the file's name unless given."),
  description: z.string().max(500).optional().describe("What the scenario shows, for people."),
  budget: Decimal.default("25.00").describe(
    "The most that the whole run may spend, in US dollars.",
  ),
  human: HumanPolicy.optional(),
  world: WorldOptions.prefault({}),
  expect: Expectation.prefault({}),
});
export type FrontMatter = z.output<typeof FrontMatter>;

export type HumanPolicy = z.output<typeof HumanPolicy>;
export type WorldOptions = z.output<typeof WorldOptions>;
export type UrlCheck = z.output<typeof UrlCheck>;

export interface Scenario extends FrontMatter {
  readonly name: string;
  /** The body: all that the agent sees. */
  readonly goal: string;
  /** The folder that `world.files` is relative to. */
  readonly folder: string;
  /** The file's path, or null for a sentence. */
  readonly path: string | null;
  /** The file's text, or the sentence: all that is needed to read it again. */
  readonly source: string;
}

/** The sentence as a scenario with every default: within $25.00, the URL must be live. */
export function sentenceScenario(goal: string, folder: string): Scenario {
  return { ...FrontMatter.parse({}), name: "sentence", goal, folder, path: null, source: goal };
}
