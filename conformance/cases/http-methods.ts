/** Group D, first part: what other methods and other kinds of client get. */
import { broken, type Case, holds, noted, skipped, told } from "../case.ts";
import { fetchStandard, httpV2, policy, rfc9110 } from "../basis.ts";
import { findAsset } from "../../protocol/asset.ts";
import { answerOf } from "../context.ts";
import { readChallenge } from "../read/challenge.ts";
import { show } from "../read/json.ts";
import { headerOf, headerValues } from "../wire/exchange.ts";
import { NO_HTTP2 } from "../wire/http2-client.ts";
import { judge } from "./judge.ts";

const isPaid = (status: number) => status >= 200 && status < 300;

export const METHOD_CASES: readonly Case[] = [
  {
    id: "HTTP-01",
    title: "HEAD gives away nothing",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: rfc9110(
      "9.3.2",
      "The HEAD method is identical to GET except that the server MUST NOT send content in the response.",
    ),
    gains:
      "Frameworks run the GET handler for HEAD: the work is done unpaid, as often as somebody likes, and its size, ETag and headers are shown.",
    mend: "Guard HEAD like GET (many route tables name GET only), or answer it with 405.",
    cwe: 288,
    async run({ ask, target }) {
      if (target.method !== "GET") return skipped(`The endpoint is ${target.method}.`);
      const answer = answerOf(await ask({ method: "HEAD" }));
      if (!isPaid(answer.status)) return holds(`${answer.status}.`);
      const shown = ["content-length", "etag", "last-modified", "content-type"].filter(
        (name) => headerOf(answer, name) !== undefined,
      );
      return broken(
        `HEAD was answered with ${answer.status}, unpaid${shown.length > 0 ? `, with ${shown.join(", ")}` : ""}.`,
      );
    },
  },
  {
    id: "HTTP-04",
    title: "A browser's preflight is free",
    level: "advice",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: fetchStandard.says(
      "CORS-preflight fetch",
      "A preflight carries no credentials and must be answered with an ok status.",
    ),
    gains: "No web page can pay: its preflight is asked for money that it cannot send.",
    mend: "Answer OPTIONS before the payment middleware.",
    async run({ ask, target }) {
      const headers = [
        ["Origin", "https://app.example"],
        ["Access-Control-Request-Method", target.method],
        ["Access-Control-Request-Headers", "payment-signature"],
      ] as const;
      const answer = answerOf(await ask({ method: "OPTIONS", headers, body: undefined }));
      if (answer.status === 402) return broken("The preflight was answered with 402.");
      if (isPaid(answer.status)) return holds(`${answer.status}.`);
      return told(`${answer.status}: pages of other origins cannot use it.`);
    },
  },
  {
    id: "HTTP-14",
    title: "HTTP/2, and the case of header names, change nothing",
    level: "stated",
    severity: "medium",
    ring: 0,
    profiles: "any",
    basis: rfc9110("5.1", "Field names are case-insensitive"),
    gains:
      "Clients and proxies that write header names their own way, or speak HTTP/2, are refused or slip by the gate.",
    mend: "Read headers through your framework, which ignores case; mount the gate where both versions of HTTP pass.",
    async run({ ask, first, target }) {
      const wanted = (await first()).status;
      const lines = [["user-agent", "purser-check"], ["accept", "*/*"], ...target.headers] as const;
      const shouted = lines.map(([name, value]) => [name.toUpperCase(), value] as const);
      const { status } = answerOf(await ask({ headers: [["HOST", target.authority], ...shouted] }));
      if (status !== wanted)
        return broken(`In capitals it is answered with ${status}, else with ${wanted}.`);
      const { answer, failure } = await ask({}, { http2: true, alone: true });
      if (failure === NO_HTTP2)
        return holds(`${status}, as before. It does not offer HTTP/2 in a TLS handshake.`);
      return answer?.status === wanted
        ? holds(`${status}, as before, also over HTTP/2.`)
        : broken(
            `Over HTTP/2 it is answered with ${answer?.status ?? failure}, else with ${wanted}.`,
          );
    },
  },
  {
    id: "HTTP-15",
    title: "A browser is told the price too",
    level: "advice",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: httpV2("Response Body", "All x402 protocol information is communicated through headers"),
    gains:
      "Agents that drive a browser cannot pay; some get the page without paying, or pay play money that the server does not take.",
    mend: "Send the page as the body of the 402, with the same headers, and make its network from the offer (no testnet: true on a mainnet).",
    async run({ ask, first, profile }) {
      const headers = [
        ["Accept", "text/html,application/xhtml+xml;q=0.9"],
        [
          "User-Agent",
          "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36",
        ],
      ] as const;
      const answer = answerOf(await ask({ headers }));
      if (answer.status !== 402) return broken(`A browser is answered with ${answer.status}.`);
      const { offers } = readChallenge(await first(), profile).challenge ?? { offers: [] };
      const real = offers.some(
        ({ network, asset }) => findAsset(String(network), String(asset))?.mainnet === true,
      );
      if (real && /["']?testnet["']?\s*[:=]\s*true/.test(answer.body))
        return broken("Its page pays on a test network, and its offer is on a mainnet.");
      if (profile === "x402-v1") return told(`402 with ${show(headerOf(answer, "content-type"))}.`);
      const header = profile === "mpp" ? "www-authenticate" : "payment-required";
      return judge(
        headerValues(answer, header).length > 0 ? [] : [`its 402 has no ${header.toUpperCase()}`],
        "402 with the challenge.",
      );
    },
  },
  {
    id: "HTTP-18",
    title: "Asking for a WebSocket or for events does not get in",
    level: "advice",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: policy(
      "Upgrades are often taken by another part of the server than the one that asks for payment.",
    ),
    gains: "Whoever asks for an upgrade, or for text/event-stream, gets the stream unpaid.",
    mend: 'Check the payment in the server\'s upgrade handler too (server.on("upgrade")), and before the first event.',
    cwe: 288,
    async run({ ask }) {
      const upgrade = await ask(
        {
          headers: [
            ["Connection", "Upgrade"],
            ["Upgrade", "websocket"],
            ["Sec-WebSocket-Version", "13"],
            ["Sec-WebSocket-Key", "cHVyc2VyLWNoZWNrLWtleQ=="],
          ],
        },
        { alone: true },
      );
      const events = await ask({ headers: [["Accept", "text/event-stream"]] });
      const problems = [];
      if (upgrade.answer?.status === 101 || isPaid(upgrade.answer?.status ?? 0))
        problems.push(`the upgrade was answered with ${upgrade.answer?.status}`);
      if (isPaid(events.answer?.status ?? 0))
        problems.push(`text/event-stream was answered with ${events.answer?.status}`);
      if (problems.length > 0) return judge(problems, "");
      const statuses = `${upgrade.answer?.status ?? upgrade.failure} and ${events.answer?.status ?? events.failure}`;
      return upgrade.answer
        ? holds(`${statuses}.`)
        : noted(`${statuses}: the upgrade was not answered.`);
    },
  },
];
