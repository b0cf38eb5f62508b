/** Which addresses a paying fetch reaches: public ones, judged at the moment of connecting, however they are written. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressGuard, isAllowed } from "../../middleware/fetch/address-guard.ts";
import { guardedFetch } from "../../middleware/fetch/guarded-fetch.ts";
import { type HostileShop, openHostileShop } from "./hostile-shop.ts";

let shop: HostileShop;
beforeAll(async () => {
  shop = await openHostileShop({ onUnpaid: (_, response) => void response.json({ ok: true }) });
});
afterAll(() => shop[Symbol.asyncDispose]());

const PRIVATE = [
  "127.0.0.1",
  "127.9.9.9",
  "10.1.2.3",
  "172.31.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "::1",
  "fd00::1",
];
const NEVER = [
  "0.0.0.0",
  "169.254.169.254",
  "192.0.2.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:8.8.8.8",
  "64:ff9b::7f00:1",
  "fe80::1",
  "ff02::1",
  "2002:7f00:1::",
  "2001:db8::1",
  "2001::1",
  "no address",
  "",
];
const PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"];

test.each(PUBLIC)("%s is public", (address) => {
  expect([isAllowed(address, false), isAllowed(address, true)]).toEqual([true, true]);
});
test.each(PRIVATE)("%s is for the local mode alone", (address) => {
  expect([isAllowed(address, false), isAllowed(address, true)]).toEqual([false, true]);
});
test.each(NEVER)("%s is never reached", (address) => {
  expect([isAllowed(address, false), isAllowed(address, true)]).toEqual([false, false]);
});

test("a guard judges each address, whichever it has just allowed", () => {
  const guard = addressGuard({ local: false });
  const judged = ["8.8.8.8", "127.0.0.1", "8.8.8.8", "[::1]", "127.0.0.1"].map((host) => {
    try {
      return guard.checkHost(host);
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
  const refused = "ADDRESS_NOT_ALLOWED";
  expect(judged).toEqual([undefined, refused, undefined, refused, refused]);
});

describe("the fetch", () => {
  test.each([
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
  ])("does not reach this machine as %s", async (host) => {
    const { port } = new URL(shop.url);
    const before = shop.unpaid();
    const fetching = guardedFetch({ local: false })(`http://${host}:${port}/`);
    await expect(fetching).rejects.toMatchObject({ code: "ADDRESS_NOT_ALLOWED" });
    expect(shop.unpaid()).toBe(before);
  });

  test("reaches it in the local mode", async () => {
    const { port } = new URL(shop.url);
    for (const url of [shop.url, `http://localhost:${port}/`]) {
      expect((await guardedFetch({ local: true })(url)).status).toBe(200);
    }
  });

  test("connects to the address that was judged, and resolves a name once for a connection", async () => {
    let asked = 0;
    const { port } = new URL(shop.url);
    const resolve = ((
      _name: string,
      _options: object,
      done: (error: null, found: object[]) => void,
    ) => {
      asked += 1;
      // A name that points here at first, and at the metadata service when it is asked again.
      done(null, [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }]);
    }) as never;
    const fetch = guardedFetch({ local: true, resolve });
    expect((await fetch(`http://rebinding.example:${port}/`)).status).toBe(200);
    expect(asked).toBe(1);
  });

  test.each([[["8.8.8.8", "127.0.0.1"]], [["127.0.0.1"]], [[]]])(
    "a name at %j is refused",
    async (addresses) => {
      const resolve = ((
        _name: string,
        _options: object,
        done: (error: null, found: object[]) => void,
      ) =>
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        )) as never;
      const { promise, resolve: settle } = Promise.withResolvers<unknown>();
      addressGuard({ local: false, resolve }).lookup("a.example", { all: true }, settle);
      expect(await promise).toBeInstanceOf(Error);
    },
  );

  /** What a name is found to be, and what was asked for it. */
  function look(found: Error | { address: string; family: number }[], options: object) {
    const asked: object[] = [];
    const resolve = ((_name: string, wanted: object, done: (...answer: unknown[]) => void) => {
      asked.push(wanted);
      if (found instanceof Error) done(found);
      else done(null, found);
    }) as never;
    const answers: unknown[][] = [];
    const guard = addressGuard({ local: false, resolve });
    guard.lookup("a.example", options, (...answer) => void answers.push(answer));
    return { asked, answers };
  }
  const both = [
    { address: "8.8.8.8", family: 4 },
    { address: "2606:4700::1111", family: 6 },
  ];

  test("a name is handed out as it was judged: all of its addresses, or the first, of the family that is asked for", () => {
    expect(look(both, { all: true })).toEqual({
      asked: [{ family: 0, all: true }],
      answers: [[null, both]],
    });
    expect(look(both, { family: 6 })).toEqual({
      asked: [{ family: 6, all: true }],
      answers: [[null, "8.8.8.8", 4]],
    });
  });

  test("a name that is not found, is nowhere, or is at a private address is an error that says so", () => {
    const failed = new Error("not found");
    expect(look(failed, {}).answers).toEqual([[failed, ""]]);
    const [[nowhere] = []] = look([], {}).answers;
    expect(nowhere).toMatchObject({ message: "a.example has no address" });
    const [[refused] = []] = look([{ address: "10.0.0.1", family: 4 }], {}).answers;
    expect(refused).toMatchObject({
      code: "ADDRESS_NOT_ALLOWED",
      problem: "a.example is at 10.0.0.1, which is no public address.",
      nextStep: expect.stringContaining("Nothing was sent."),
    });
  });
});
