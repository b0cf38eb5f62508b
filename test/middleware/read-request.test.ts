/** A request is read the same whether or not a `Request` has to be made of it. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readRequest } from "../../middleware/fetch/read-request.ts";

type Input = Parameters<typeof readRequest>[0];

/** What was read, or what was refused and why. */
async function outcomeOf(input: Input, init: RequestInit) {
  try {
    const { headers, body, ...read } = await readRequest(input, init);
    return { ...read, headers: [...headers], body: body && [...body] };
  } catch (error) {
    const { code, problem } = error as { code: string; problem: string };
    return { code, problem };
  }
}

/** This member is nothing that changes a request, and nothing that is read without a `Request`. */
const asRequest = (init: RequestInit): RequestInit => ({ ...init, keepalive: false });

async function expectSame(input: Input, init: RequestInit): Promise<void> {
  expect(await outcomeOf(input, init)).toEqual(await outcomeOf(input, asRequest(init)));
}

const urls = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom("http://a.example/ü?q=ü#f", "HTTP://A.example:80/../b c", " http://a.example "),
  fc.constantFrom(
    "http://u:p@a.example/",
    "http://u@a.example/",
    "/path",
    "",
    "http://",
    "ftp://a",
  ),
  fc.constantFrom(new URL("http://a.example/x#y"), new URL("http://:p@a.example/")),
  fc.string(),
);
const name = fc.oneof(
  fc.constantFrom("Content-Type", "host", "x-a", "X-A", "x-payment", "te", "a b", "", "ä"),
  fc.string({ maxLength: 3 }),
);
const value = fc.oneof(fc.constantFrom(" a ", "a\nb", "ä", "€", "", "a\0"), fc.string());
const headers = fc.oneof(
  fc.dictionary(name, value, { maxKeys: 3 }),
  fc.array(fc.tuple(name, value), { maxLength: 3 }),
  fc.constantFrom([["only"]] as never, null as never, "text" as never, new Headers({ "x-a": "1" })),
);
const inits = fc.record(
  {
    method: fc.oneof(
      fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "post", "patch", "TRACE"),
      fc.constantFrom("CONNECT", "OPTIONS", "", "A B", undefined as never, null as never),
    ),
    headers,
    body: fc.oneof(
      fc.constantFrom(null, undefined as never, "", "{}", "ü€😀", "\uD800", new Uint8Array([1])),
      fc.string({ unit: "binary" }),
    ),
    redirect: fc.constantFrom("follow", "error", "manual", "never" as never, undefined as never),
  },
  { requiredKeys: [] },
);

test("a request in its parts is read and refused as a `Request` of them is", async () => {
  await fc.assert(fc.asyncProperty(urls, inits, expectSame), { numRuns: 1000 });
});

test("so is a request whose headers can be listed only once", async () => {
  const once = () => ({ headers: new Map([["x-a", "1"]]).entries() as never });
  const wrong = () => ({ headers: new Map([["a b", "1"]]).entries() as never });
  for (const make of [once, wrong]) {
    const read = await outcomeOf("http://a.example/", make());
    expect(read).toEqual(await outcomeOf("http://a.example/", asRequest(make())));
  }
});

test("headers of the caller are left as they are", async () => {
  const given = new Headers({ te: "trailers" });
  const init = { method: "POST", headers: given, body: "text" };
  const { headers: read } = await readRequest("http://a.example/", init);
  expect([...read]).toEqual([["content-type", "text/plain;charset=UTF-8"]]);
  expect([...given]).toEqual([["te", "trailers"]]);
});

test("a text is of the type that its caller says", async () => {
  const headers = { "Content-Type": "application/json" };
  const { headers: read } = await readRequest("http://a.example/", {
    method: "POST",
    headers,
    body: "{}",
  });
  expect(read.get("content-type")).toBe("application/json");
});

const MB = 1024 * 1024;

test.each([
  ["text", "é".repeat(5 * MB), `a${"é".repeat(5 * MB)}`],
  ["bytes", new Uint8Array(10 * MB), new Uint8Array(10 * MB + 1)],
])("a body of 10 MB may be %s, and no byte more", async (_, body, more) => {
  const { body: read } = await readRequest("http://a.example/", { method: "POST", body });
  expect(read?.length).toBe(10 * MB);
  expect(await outcomeOf("http://a.example/", { method: "POST", body: more })).toMatchObject({
    code: "BODY_TOO_LARGE",
  });
});
