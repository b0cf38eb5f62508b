/**
 * What may be paid without a catalog, as data that a person writes and a machine holds to. Whatever it does not name is denied: a
 * host, a recipient, a token, an amount. Prices are decimal text in dollars, read exactly or refused.
 */
import { getAddress } from "viem";
import { z } from "zod";
import { type Asset, BASE_SEPOLIA_USDC, findAsset } from "../../protocol/asset.ts";
import { parseDecimal } from "../../protocol/money.ts";
import { PaymentError } from "../payment-error.ts";

/** All tokens of the table have these, and each is worth a dollar. */
const USD_DECIMALS = 6;
const usd = z.string().transform((text, context) => {
  try {
    return parseDecimal(text, USD_DECIMALS);
  } catch {
    context.addIssue({ code: "custom", message: 'not an amount of dollars such as "1.50"' });
    return z.NEVER;
  }
});
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "not an address");

const Provider = z.strictObject({
  /** The caps are kept by this name; never by a server's own word. */
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,49}$/, "not a name of lower-case letters, digits, dots, dashes"),
  /** Exactly these answer 402: scheme, host and port. */
  origins: z.array(z.string().max(300)).min(1).max(50),
  payees: z.array(address).min(1).max(50),
  /** Tokens by network (CAIP-2) and address; Base Sepolia's USDC unless given. */
  assets: z
    .array(z.strictObject({ network: z.string(), address }))
    .min(1)
    .max(20)
    .optional(),
  maxPerCall: usd.optional(),
  maxPerMonth: usd.default(100_000_000n),
});

const Policy = z.strictObject({
  providers: z.array(Provider).max(200),
  /** The most that one call may cost. */
  maxPerCall: usd,
  /** The most that one purchase may cost, over all its attempts. */
  maxPerPurchase: usd.optional(),
  /** Over all providers, in a UTC month. */
  maxPerMonth: usd.default(100_000_000n),
  /** New payments in any sixty seconds, by whoever shares the wallet's book. */
  maxCallsPerMinute: z.number().int().min(1).max(10_000).default(60),
  /** Whatever costs more is asked for first. */
  approveAbove: usd.optional(),
  /** Real money may move. */
  mainnet: z.boolean().default(false),
  /** Servers on this machine and in private networks may be called, and over http. */
  local: z.boolean().default(false),
});

/** A policy as one writes it. */
export type SpendingPolicy = z.input<typeof Policy>;

/** A policy that was read: amounts in atomic units, tokens from our own table. */
export interface ReadPolicy extends Omit<z.output<typeof Policy>, "providers"> {
  readonly providers: readonly ReadProvider[];
}

export interface ReadProvider extends Omit<z.output<typeof Provider>, "assets"> {
  readonly assets: readonly Asset[];
}

/** Reads a policy, or throws `POLICY_INVALID`, which says everything that is wrong with it. */
export function readPolicy(policy: SpendingPolicy): ReadPolicy {
  const { data, error } = Policy.safeParse(policy);
  if (!data) throw invalid(z.prettifyError(error));
  const problems = data.providers.flatMap((provider) => findProblems(provider, data.local));
  const origins = data.providers.flatMap((provider) => provider.origins);
  for (const name of twice(origins)) problems.push(`${name} is the origin of two providers`);
  for (const name of twice(data.providers.map(({ id }) => id))) {
    problems.push(`${name} is the id of two providers`);
  }
  if (problems.length > 0) throw invalid(problems.join("; "));
  return {
    ...data,
    providers: data.providers.map((provider) => ({
      ...provider,
      payees: provider.payees.map((payee) => getAddress(payee.toLowerCase())),
      assets: assetsOf(provider.assets),
    })),
  };
}

function assetsOf(assets: z.output<typeof Provider>["assets"]): Asset[] {
  if (!assets) return [BASE_SEPOLIA_USDC];
  return assets.flatMap(({ network, address }) => findAsset(network, address) ?? []);
}

function findProblems(
  { origins, assets = [] }: z.output<typeof Provider>,
  local: boolean,
): string[] {
  const wrong = origins.filter((origin) => URL.parse(origin)?.origin !== origin);
  const plain = origins.filter((origin) => !local && !origin.startsWith("https://"));
  const unknown = assets.filter(({ network, address }) => !findAsset(network, address));
  return [
    ...wrong.map(
      (origin) => `${JSON.stringify(origin)} is not an origin such as "https://api.example"`,
    ),
    ...plain.map((origin) => `${origin} is not https, and the policy is not local`),
    ...unknown.map(({ network, address }) => `the token ${address} on ${network} is unknown to us`),
  ];
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function invalid(reason: string): PaymentError {
  return new PaymentError("POLICY_INVALID", {
    problem: `The spending policy cannot be used: ${reason}.`,
    nextStep: "Correct the policy. Until then nothing is paid.",
  });
}
