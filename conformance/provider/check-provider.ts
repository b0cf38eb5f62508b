/**
 * The contract of a provider, tried case by case against a URL. What strangers may do is tried always; the rest where the provider trusts
 * the tester, and what the catalog has nothing for is left out and said so. Nothing is paid.
 */
import { ServicesPage } from "../../protocol/index.ts";
import { ConformanceError } from "../conformance-error.ts";
import type { Need, ProviderCase } from "./case.ts";
import { ACCOUNTS } from "./cases/accounts.ts";
import { DISCOVERY } from "./cases/discovery.ts";
import { BILLING } from "./cases/billing.ts";
import { RESOURCES } from "./cases/resources.ts";
import { SIGNATURES } from "./cases/signatures.ts";
import type { ProviderTester } from "./tester.ts";
import { codeOf, openVisit, type Visit } from "./visit.ts";

export const PROVIDER_CASES: readonly ProviderCase[] = [
  ...DISCOVERY,
  ...SIGNATURES,
  ...ACCOUNTS,
  ...RESOURCES,
  ...BILLING,
];

export interface ProviderResult extends Pick<ProviderCase, "id" | "title" | "basis" | "mend"> {
  readonly verdict: "pass" | "fail" | "not-tried";
  /** What was seen, or what was missing. */
  readonly seen?: string;
}

export interface ProviderReport {
  readonly url: string;
  readonly provider: { readonly id: string; readonly name: string };
  /** `incomplete`: nothing failed, and the provider does not trust the tester. */
  readonly outcome: "passed" | "failed" | "incomplete";
  readonly trusted: boolean;
  readonly results: readonly ProviderResult[];
}

export interface CheckProviderOptions {
  /** The provider's base URL. */
  readonly url: string;
  readonly tester: ProviderTester;
  /** Only these cases. */
  readonly only?: readonly string[] | undefined;
  readonly onResult?: (result: ProviderResult) => void;
  readonly signal?: AbortSignal;
}

/** Throws `CHECK_TARGET_UNREACHABLE` or `CHECK_TARGET_INVALID` where there is no provider to test. */
export async function checkProvider({
  url,
  tester,
  only,
  onResult = () => {},
  signal,
}: CheckProviderOptions): Promise<ProviderReport> {
  const base = url.replace(/\/$/, "");
  const unknown = only?.find((id) => PROVIDER_CASES.every((one) => one.id !== id));
  if (unknown !== undefined) {
    throw new ConformanceError("CHECK_PLAN_INVALID", {
      problem: `There is no case "${unknown.slice(0, 40)}".`,
      nextStep: `Use some of ${PROVIDER_CASES.map(({ id }) => id).join(", ")}.`,
    });
  }
  const visit = openVisit(base, await readCatalog(base), tester);
  const has = await abilitiesOf(visit);
  const results: ProviderResult[] = [];
  for (const one of PROVIDER_CASES.filter(({ id }) => only?.includes(id) ?? true)) {
    signal?.throwIfAborted();
    const result = await tryCase(one, visit, has);
    results.push(result);
    onResult(result);
  }
  const { id, name } = visit.page.provider;
  const failed = results.some(({ verdict }) => verdict === "fail");
  const trusted = has.trust;
  const outcome = failed ? "failed" : trusted ? "passed" : "incomplete";
  return { url: base, provider: { id, name }, outcome, trusted, results };
}

async function tryCase(
  { id, title, basis, mend, needs = [], run }: ProviderCase,
  visit: Visit,
  has: Readonly<Record<Need, boolean>>,
): Promise<ProviderResult> {
  const facts = { id, title, basis, mend };
  const missing = needs.find((need) => !has[need]);
  if (missing !== undefined) return { ...facts, verdict: "not-tried", seen: MISSING[missing] };
  try {
    const seen = await run(visit);
    return seen === undefined ? { ...facts, verdict: "pass" } : { ...facts, verdict: "fail", seen };
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    return { ...facts, verdict: "fail", seen: seen.slice(0, 500) };
  }
}

const MISSING: Readonly<Record<Need, string>> = {
  trust: "The provider does not trust the tester.",
  free: "The catalog has nothing that is free and needs nothing to fill in.",
  paid: "The catalog has nothing that is paid through the orchestrator and needs nothing to fill in.",
  quotes: "The profile does not say that it gives quotes.",
  deep_links: "The profile names no purpose of deep links.",
  removal: "The profile does not say that what is added can be removed.",
  upgrade: "Nothing in the catalog that is free can become something that is paid.",
  usage: "Nothing in the catalog is billed by use.",
};

async function abilitiesOf({ ask, page, ...catalog }: Visit): Promise<Record<Need, boolean>> {
  const { answer } = await ask();
  const { capabilities = [], deep_link_purposes = [] } = page.provider;
  return {
    trust: codeOf(answer) !== "invalid_signature",
    free: catalog.free !== undefined,
    paid: catalog.paid !== undefined,
    upgrade: catalog.upgrade !== undefined,
    usage: catalog.usage !== undefined,
    quotes: capabilities.includes("quotes"),
    deep_links: deep_link_purposes.length > 0,
    removal: capabilities.includes("resources:deprovision"),
  };
}

async function readCatalog(base: string): Promise<ServicesPage> {
  let answer: unknown;
  try {
    const response = await fetch(`${base}/provisioning/services`, {
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
    });
    answer = await response.json();
  } catch (cause) {
    throw new ConformanceError("CHECK_TARGET_UNREACHABLE", {
      problem: `There is no catalog at ${base.slice(0, 200)}/provisioning/services.`,
      nextStep: "Start the provider, and give its base URL.",
      cause,
    });
  }
  const { data, error } = ServicesPage.safeParse(answer);
  if (data) return data;
  throw new ConformanceError("CHECK_TARGET_INVALID", {
    problem: `The catalog is not one: ${error.issues
      .map(({ path, message }) => `${path.join(".")}: ${message}`)
      .join("; ")
      .slice(0, 1000)}.`,
    nextStep: "Mend what is named; docs/providers.md has the whole shape.",
  });
}
