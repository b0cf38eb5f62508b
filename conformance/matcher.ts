/**
 * For tests of one's own server: `expect.extend(conformanceMatchers)`, then `await expect(url).toConform("x402-v2")`. It is a plain object,
 * so that any runner with Jest's `extend` takes it, and nothing of a test runner is loaded here.
 */
import type { Profile } from "./case.ts";
import { check, type CheckOptions } from "./engine.ts";
import { toMarkdown } from "./reports/markdown.ts";

export type ConformOptions = Omit<CheckOptions, "url" | "profiles">;

export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

export const conformanceMatchers = {
  /** Passes where no case fails, and the endpoint could be judged; `options` are those of `check`. */
  async toConform(
    url: string | URL,
    profile?: Profile,
    options: ConformOptions = {},
  ): Promise<MatcherResult> {
    const profiles = profile === undefined ? {} : { profiles: [profile] };
    const report = await check({ ...options, ...profiles, url: String(url) });
    const { outcome } = report;
    return {
      pass: outcome === "passed",
      message: () =>
        `${String(url)}: ${outcome}\n\n${toMarkdown(report).split("## Every case")[0]}`,
    };
  },
} as const;
