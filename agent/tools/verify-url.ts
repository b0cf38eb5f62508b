/**
 * `verify_url`: whether a site of this run really answers. The model names a site and a path, never a URL: only what a
 * deployment of this run returned is ever requested.
 */
import { z } from "zod";
import { AgentError } from "../agent-error.ts";
import { isLoopback } from "../site-address.ts";
import { requestSite } from "../site-request.ts";
import type { Session, Site } from "../session.ts";
import type { ToolDefinition } from "./tool.ts";

const Input = z.object({
  site: z
    .string()
    .max(63)
    .optional()
    .describe("The site's name; the last deployed one without it."),
  path: z
    .string()
    .max(2000)
    .startsWith("/")
    .optional()
    .describe('With query, such as "/items/1?full=yes"; "/" without it.'),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).optional(),
  body: z.string().max(100_000).optional(),
  expect_status: z.number().int().min(100).max(599).optional(),
  expect_text: z.string().max(1000).optional().describe("Text that the answer must contain."),
});

const EXCERPT = 600;

export const verifyUrl = {
  name: "verify_url",
  description:
    "Requests a path of the deployed site and says whether it answered as expected (status 2xx unless told otherwise).",
  input: Input,
  async run({ site: name, path = "/", method = "GET", body, expect_status, expect_text }, session) {
    const site = session.site(name);
    if (!site) {
      throw new AgentError("NOT_DEPLOYED", {
        problem: "This run has not deployed such a site.",
        nextStep: "Deploy it first.",
      });
    }
    const url = urlOf(site, path, session);
    const allowLoopback = isLoopback(site.providerUrl);
    const { signal } = session.options;
    const answer = await requestSite({ url, method, body, allowLoopback, signal });
    const statusFits =
      expect_status === undefined
        ? answer.status >= 200 && answer.status < 300
        : answer.status === expect_status;
    const textFits =
      expect_text === undefined || answer.body.includes(escaped(answer, expect_text));
    const ok = statusFits && textFits;
    site.verified ||= ok;
    return {
      ok,
      url: url.href,
      status: answer.status,
      content_type: answer.contentType.slice(0, 100),
      ...(expect_text === undefined ? {} : { text_found: textFits }),
      untrusted_body: answer.body.slice(0, EXCERPT),
    };
  },
} satisfies ToolDefinition<z.output<typeof Input>, unknown>;

/** The site's own URL with another path: the origin stays what the deployment returned. */
function urlOf({ url, name }: Site, path: string, session: Session): URL {
  const base = new URL(url);
  const wanted = new URL(base.origin + path);
  const orchestrator = new URL(session.options.orchestratorUrl).origin;
  if (wanted.origin !== base.origin || wanted.origin === orchestrator) {
    throw new AgentError("URL_REFUSED", {
      problem: `The URL of ${name} does not lead to a site.`,
      nextStep: "Finish and say that the provider gave an unusable URL.",
    });
  }
  return wanted;
}

/** HTML writes some characters otherwise; a person who expects "Crumb & Co" means what the page shows. */
function escaped(
  { contentType, body }: { contentType: string; body: string },
  text: string,
): string {
  if (!contentType.startsWith("text/html") || body.includes(text)) return text;
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
