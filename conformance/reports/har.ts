/** HAR 1.2: every exchange, redacted, for a browser's network tools. */
import type { Report } from "../report.ts";

export function toHar({ tool, exchanges, results }: Report): object {
  const casesOf = (index: number) =>
    results.filter((result) => result.exchanges.includes(index)).map(({ id }) => id);
  return {
    log: {
      version: "1.2",
      creator: { name: tool.name, version: tool.version },
      entries: exchanges.map((exchange) => {
        const { url, method, startedAt, ms, requestHeaders, responseHeaders, index } = exchange;
        const type = responseHeaders.find(([name]) => name.toLowerCase() === "content-type")?.[1];
        const body = exchange.responseBody ?? "";
        return {
          startedDateTime: startedAt,
          time: ms,
          request: {
            method,
            url,
            httpVersion: "HTTP/1.1",
            cookies: [],
            headers: pairs(requestHeaders),
            queryString: URL.canParse(url)
              ? [...new URL(url).searchParams].map(([name, value]) => ({ name, value }))
              : [],
            headersSize: -1,
            bodySize: exchange.requestBody?.length ?? 0,
            ...(exchange.requestBody === undefined
              ? {}
              : { postData: { mimeType: "text/plain", text: exchange.requestBody } }),
          },
          response: {
            status: exchange.status ?? 0,
            statusText: exchange.failure ?? "",
            httpVersion: "HTTP/1.1",
            cookies: [],
            headers: pairs(responseHeaders),
            content: { size: body.length, mimeType: type ?? "", text: body },
            redirectURL: "",
            headersSize: -1,
            bodySize: -1,
          },
          cache: {},
          timings: { send: 0, wait: ms, receive: 0 },
          comment: casesOf(index).join(" "),
        };
      }),
    },
  };
}

function pairs(lines: readonly (readonly [string, string])[]) {
  return lines.map(([name, value]) => ({ name, value }));
}
