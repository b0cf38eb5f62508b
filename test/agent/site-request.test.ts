import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { isLoopback } from "../../agent/site-address.ts";
import { requestSite } from "../../agent/site-request.ts";

const signal = new AbortController().signal;

async function openSite(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each([
  "http://10.0.0.1/",
  "http://172.16.0.1/",
  "http://192.168.1.1/",
  "http://169.254.169.254/latest/meta-data",
  "http://100.64.0.1/",
  "http://0.0.0.0/",
  "http://[::]/",
  "http://[fe80::1]/",
  "http://[fd00::1]/",
  "http://[::ffff:10.0.0.1]/",
  "http://[::ffff:169.254.169.254]/",
  "http://[64:ff9b::a00:1]/",
  "http://2852039166/",
  "http://0xa9fea9fe/",
])("never goes to %s, even from a local world", async (url) => {
  const request = requestSite({ url: new URL(url), method: "GET", allowLoopback: true, signal });
  await expect(request).rejects.toMatchObject({ code: "URL_REFUSED" });
});

test.each([
  "http://127.0.0.1:9/",
  "http://localhost:9/",
  "http://[::1]:9/",
  "http://[::ffff:127.0.0.1]:9/",
  "http://0177.0.0.1/",
])("goes to %s only where the provider is on this machine too", async (url) => {
  const request = requestSite({ url: new URL(url), method: "GET", allowLoopback: false, signal });
  await expect(request).rejects.toMatchObject({ code: "URL_REFUSED" });
});

test.each([
  ["http://127.0.0.1:4101", true],
  ["http://localhost:4101", true],
  ["http://[::1]:4101", true],
  ["https://api.cloudflare.com", false],
  ["http://10.0.0.1", false],
])("knows that %s is on this machine: %s", (url, expected) => {
  expect(isLoopback(url)).toBe(expected);
});

test("follows no redirect", async () => {
  await using site = await openSite((_, response) =>
    response.writeHead(302, { location: "http://10.0.0.1/" }).end(),
  );
  const answer = await requestSite({ url: site.url, method: "GET", allowLoopback: true, signal });
  expect(answer.status).toBe(302);
});

test("reads a megabyte at most", async () => {
  await using site = await openSite((_, response) => {
    const write = () => {
      while (response.write(Buffer.alloc(65_536, "a")));
      response.once("drain", write);
    };
    write();
  });
  const answer = await requestSite({ url: site.url, method: "GET", allowLoopback: true, signal });
  expect(answer.body.length).toBe(1024 * 1024);
});

test("sends a body as what it looks like", async () => {
  await using site = await openSite((request, response) =>
    response.end(request.headers["content-type"]),
  );
  const send = async (body: string) =>
    (await requestSite({ url: site.url, method: "PUT", body, allowLoopback: true, signal })).body;
  expect(await send('{"a":1}')).toBe("application/json");
  expect(await send("plain")).toBe("text/plain; charset=utf-8");
});

test("a site that breaks off is SITE_UNREACHABLE", async () => {
  await using site = await openSite((request) => request.socket.destroy());
  const request = requestSite({ url: site.url, method: "GET", allowLoopback: true, signal });
  await expect(request).rejects.toMatchObject({ code: "SITE_UNREACHABLE" });
});
