/** The end of a run for a person at a terminal: where it is live, what it cost, what was asked, how long it took. */
import { join, relative } from "node:path";
import type { RunResult } from "../scenarios/index.ts";
import { type Paint, plain } from "./terminal.ts";

export function summarize(
  result: RunResult,
  { paint, cwd }: { paint: Paint; cwd: string },
): string[] {
  return [
    "",
    ...headline(result, paint),
    "",
    ...purchases(result, paint),
    "",
    ...asks(result, paint),
    "",
    ...stages(result, paint),
    ...checks(result, paint),
    ...(result.record === null
      ? []
      : [field("Report", shortPath(join(result.record, "report.html"), cwd), paint)]),
  ];
}

const WORDS = {
  live: "Live",
  answered: "Answered",
  refused: "Stopped on purpose",
  failed: "Did not work",
} as const;

function headline(
  { outcome, passed, url, hostname, hostUrl, says, error }: RunResult,
  paint: Paint,
): string[] {
  const tone = passed ? paint.good : paint.bad;
  const first = tone(paint.bold(WORDS[outcome]));
  return [
    url === null ? first : `${first}  ${paint.bold(url)}`,
    ...(hostname === null
      ? []
      : [`as ${plain(hostname)} on this machine alone; in a browser also ${hostUrl ?? url ?? ""}`]),
    ...(says === null || says === error?.problem ? [] : [plain(says, 2000)]),
    ...(error === undefined
      ? []
      : [paint.bad(`${error.code}: ${plain(error.problem, 2000)}`), plain(error.nextStep, 2000)]),
  ];
}

function purchases({ payments, spent, cap, budget }: RunResult, paint: Paint): string[] {
  if (payments.length === 0) return [field("Bought", "nothing", paint)];
  const services = payments.map(({ service }) => plain(service));
  const amounts = payments.map(({ amount, asset }) => `${amount} ${plain(asset, 20)}`);
  const width = Math.max(...services.map(({ length }) => length));
  const amountWidth = Math.max(...amounts.map(({ length }) => length));
  return [
    paint.dim("Bought"),
    ...payments.flatMap(({ provider, state, transaction }, index) => [
      `  ${services[index]?.padEnd(width)}  ${amounts[index]?.padStart(amountWidth)}  ${state}, from ${plain(provider)}`,
      `  ${paint.dim(transaction ?? "no transaction")}`,
    ]),
    ...Object.entries(cap).map(
      ([provider, limit]) =>
        `  ${plain(provider)}: $${spent[provider] ?? "0.00"} of the $${limit} cap this month; budget $${budget}`,
    ),
  ];
}

function asks({ human }: RunResult, paint: Paint): string[] {
  if (human.length === 0) return [field("Asked", "nothing", paint)];
  return [
    paint.dim("Asked"),
    ...human.map(
      ({ question, answer }) => `  ${plain(question)} ${paint.bold(plain(answer, 100))}`,
    ),
  ];
}

function stages({ stages: list, durationMs: total }: RunResult, paint: Paint): string[] {
  const parts = list.map(({ name, durationMs }) => `${name} ${seconds(durationMs)}`);
  return list.length === 0
    ? []
    : [field("Time", `${parts.join(", ")}; ${seconds(total)} in all`, paint)];
}

function checks({ checks: list }: RunResult, paint: Paint): string[] {
  if (list.length === 0) return [];
  const broken = list.filter(({ passed }) => !passed);
  return [
    field("Checks", `${list.length - broken.length} of ${list.length} passed`, paint),
    ...broken.map(({ name, detail }) => `  ${paint.bad("×")} ${plain(name)}: ${plain(detail)}`),
  ];
}

/** As a person in this folder would write it. */
function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith("..") ? path : short;
}

function field(name: string, value: string, paint: Paint): string {
  return `${paint.dim(name.padEnd(7))} ${value}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
