/** `purser billing` and `spend`: what pays, how much may be spent at each provider in a month, and what was. */
import { formatDecimal, parseDecimal, type Spend } from "../../protocol/index.ts";
import { readBudget } from "../arguments.ts";
import { declined } from "./confirm-price.ts";
import type { Answer } from "./envelope.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { tableOf } from "./table-of.ts";

export interface BillingFlags extends ProjectFlags {
  limit?: string;
  provider?: string;
}

const USD_DECIMALS = 6;

export async function showBilling(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const { payment_method, spend: limits } = await command.client().status(project.id);
  const rows = limits.map(({ provider, cap }) => [provider, cap]);
  const { terminal } = command.surroundings;
  return {
    data: { payment_method, limits: limits.map(tellLimit) },
    lines: [
      `paid from  ${payment_method?.address ?? "no payment method"}`,
      "",
      ...tableOf(terminal, ["provider", "USD a month at most"], rows, "No provider is known yet."),
    ],
    nextSteps: payment_method === null ? [`${command.tool} billing add`] : [],
  };
}

/** There is no card form: a wallet is brought by whoever runs the orchestrator. Throws `PAYMENT_METHOD_REQUIRED`. */
export async function addBilling(command: ProjectCommand): Promise<Answer> {
  const project = command.project();
  const { payment_method } = await command.client().status(project.id);
  if (payment_method) {
    return {
      data: { payment_method, already: true },
      lines: [`There is one: the wallet ${payment_method.address}.`],
      nextSteps: [`${command.tool} billing update --limit <amount> --provider <provider>`],
    };
  }
  throw new ProjectError("PAYMENT_METHOD_REQUIRED", {
    problem: "Nothing pays for this project yet, and no command can add a payment method.",
    nextStep:
      "Ask whoever runs the orchestrator to give it a wallet; the one of `purser up` has a wallet with play money.",
  });
}

/** Raising a limit is the person's word on money, so it takes the flag for that; lowering it takes none. */
export async function updateBilling(command: ProjectCommand<BillingFlags>): Promise<Answer> {
  const { flags, tool } = command;
  if (flags.limit === undefined) throw limitMissing(tool);
  const limit = readBudget(flags.limit);
  if (flags.provider === undefined) throw noGlobalLimit(tool, limit);
  const { provider } = flags;
  const project = command.project();
  const client = command.client();
  const { spend: known } = await client.status(project.id);
  const before = known.find((one) => one.provider === provider);
  if (!before) throw unknownProvider(provider, known, tool);
  if (units(limit) > units(before.cap)) {
    const line = `${tool} billing update --limit ${limit} --provider ${provider}`;
    await confirmRaise(command, line, { provider, before: before.cap, limit });
  }
  const set = await client.setCap(project.id, provider, limit);
  return {
    data: { limit: tellLimit(set), before: before.cap },
    lines: [`${provider}: ${set.cap} USD a month at most (${before.cap} before)`],
    nextSteps: [`${tool} spend`],
  };
}

export async function spend(
  command: ProjectCommand,
  provider: string | undefined,
): Promise<Answer> {
  const { tool } = command;
  const project = command.project();
  const client = command.client();
  const [{ spend: all }, { months }] = await Promise.all([
    client.status(project.id),
    client.spend(project.id),
  ]);
  const current = all.filter((one) => provider === undefined || one.provider === provider);
  if (provider !== undefined && current.length === 0) throw unknownProvider(provider, all, tool);
  const month = new Date().toISOString().slice(0, 7);
  const previous = months
    .filter((one) => one.month !== month)
    .map((one) => {
      const spent = one.providers.filter(
        ({ provider: at }) => provider === undefined || at === provider,
      );
      return { month: one.month, total: total(spent), providers: spent };
    })
    .filter(({ providers }) => providers.length > 0);
  const { terminal } = command.surroundings;
  const rows = current.map((one) => [one.provider, one.spent, one.reserved, one.cap]);
  return {
    data: {
      currency: "usd",
      current_month: { month, total: total(current), providers: current },
      previous_months: previous,
    },
    lines: [
      ...tableOf(
        terminal,
        [month, "spent", "reserved", "limit"],
        rows,
        "No provider is known yet.",
      ),
      ...previous.flatMap((one) => [
        "",
        ...tableOf(
          terminal,
          [one.month, "spent", "reserved"],
          one.providers.map(({ provider: at, spent, reserved }) => [at, spent, reserved]),
          "",
        ),
      ]),
    ],
  };
}

function tellLimit({ provider, cap }: Spend) {
  return { provider, max_amount: cap, currency: "usd", recurring_interval: "month" };
}

async function confirmRaise(
  command: ProjectCommand,
  line: string,
  { provider, before, limit }: { provider: string; before: string; limit: string },
): Promise<void> {
  const problem = `The limit at ${provider} would rise from ${before} to ${limit} USD a month.`;
  const answer =
    command.flags.confirmPaidService ??
    (await command.ask({ kind: "approval", question: `${problem} Go ahead?` }));
  if (answer === true) return;
  if (answer === false) throw declined();
  throw new ProjectError("PAYMENT_CONFIRMATION_REQUIRED", {
    problem,
    nextStep:
      "Tell the person; with their consent, run the command again with --confirm-paid-service.",
    nextSteps: [`${line} --confirm-paid-service`],
    details: { provider, before, limit, confirmations_required: "paid" },
  });
}

function total(spent: readonly Pick<Spend, "spent">[]): string {
  return formatDecimal(
    spent.reduce((sum, one) => sum + units(one.spent), 0n),
    USD_DECIMALS,
  );
}

function units(amount: string): bigint {
  return parseDecimal(amount, USD_DECIMALS);
}

function limitMissing(tool: string): ProjectError {
  const step = `${tool} billing update --limit <amount> --provider <provider>`;
  return new ProjectError("CONFIG_INVALID", {
    problem: "Nothing is said that is to change.",
    nextStep: `Say the limit: \`${step}\`.`,
    nextSteps: [step],
  });
}

function noGlobalLimit(tool: string, limit: string): ProjectError {
  const step = `${tool} billing update --limit ${limit} --provider <provider>`;
  return new ProjectError("NOT_SUPPORTED", {
    problem:
      "A project has a limit at each provider and none over all of them; one over a whole wallet is for whoever runs the orchestrator.",
    nextStep: `Name the provider: \`${step}\`.`,
    nextSteps: [step],
  });
}

function unknownProvider(provider: string, known: readonly Spend[], tool: string): ProjectError {
  return new ProjectError("PROVIDER_UNKNOWN", {
    problem: `The orchestrator knows no provider "${provider.slice(0, 60)}".`,
    nextStep: `It knows ${known.map((one) => one.provider).join(", ") || "none yet"}.`,
    nextSteps: [`${tool} catalog`],
  });
}
