/** MPP's challenge as a stranger writes it: read strictly, and left out wherever we could not or would not pay it. */
import * as fc from "fast-check";
import { keccak256, toHex } from "viem";
import { describe, expect, test } from "vitest";
import {
  BASE_SEPOLIA_USDC,
  encodeMppPayment,
  mppNonce,
  parseMppChallenges,
  readMppReceipt,
} from "../../protocol/index.ts";
import { readAuthenticate } from "../../protocol/authenticate.ts";

const NOW = Date.parse("2026-11-21T00:00:00Z");
const CHARGE = {
  amount: "10000",
  currency: BASE_SEPOLIA_USDC.address as string,
  recipient: `0x${"dd".repeat(20)}`,
  methodDetails: {
    chainId: 84_532,
    credentialTypes: ["authorization"] as string[],
    decimals: 6,
  } as Record<string, unknown>,
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function header(charge: object = CHARGE, changes: Record<string, string | undefined> = {}): string {
  const params = {
    id: "c1",
    realm: "shop.example",
    method: "evm",
    intent: "charge",
    request: encode(charge),
    expires: "2026-11-21T00:01:00Z",
    ...changes,
  };
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return `Payment ${given.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}

const read = (text: string | null, url = "https://shop.example/a?b=c") =>
  parseMppChallenges({ header: text, url, now: NOW });
const kinds = (count: number) => ["authorization", ...Array.from({ length: count - 1 }, () => "k")];
const details = (changes: object) => ({
  ...CHARGE,
  methodDetails: { ...CHARGE.methodDetails, ...changes },
});

test("a charge is an offer like any other", () => {
  expect(read(header())).toMatchObject([
    {
      scheme: "exact",
      network: "eip155:84532",
      amount: 10_000n,
      asset: BASE_SEPOLIA_USDC.address,
      maxTimeoutSeconds: 60,
      expires: BigInt(NOW / 1000 + 60),
      resource: "https://shop.example/a?b=c",
    },
  ]);
});

test("several challenges share a header with other schemes; those of other methods are left out", () => {
  const text = `Negotiate abc==, Basic realm="a, b", ${header(CHARGE, { method: "tempo" })}, ${header()}, ${header(CHARGE, { id: "c2" })}`;
  expect(read(text).map(({ mpp }) => mpp.id)).toEqual(["c1", "c2"]);
});

test("a realm that names another host sells nothing that we asked for", () => {
  expect(read(header(CHARGE, { realm: "other.example" }))[0]?.resource).toBeUndefined();
  expect(
    read(header(CHARGE, { realm: "shop.example:8443" }), "https://shop.example:8443/")[0]?.resource,
  ).toBe("https://shop.example:8443/");
});

test.each<[string, string | null]>([
  ["nothing", null],
  ["another scheme", 'Bearer realm="x"'],
  ["another scheme with the same parameters", header().replace("Payment", "Payments")],
  ["an amount in another notation", header({ ...CHARGE, amount: "1e4" })],
  ["an amount of nothing", header({ ...CHARGE, amount: "" })],
  ["an amount of 79 digits", header({ ...CHARGE, amount: "1".repeat(79) })],
  ["a token that is no address", header({ ...CHARGE, currency: "usdc" })],
  ["a recipient that is no address", header({ ...CHARGE, recipient: "0xdd" })],
  ["splits", header(details({ splits: [{ amount: "1", recipient: CHARGE.recipient }] }))],
  ["no authorization among its credentials", header(details({ credentialTypes: ["permit2"] }))],
  ["no word on its credentials", header(details({ credentialTypes: undefined }))],
  ["other decimals than the token's", header(details({ decimals: 18 }))],
  ["a chain that is text", header(details({ chainId: "84532" }))],
  ["another intent", header(CHARGE, { intent: "session" })],
  ["an expiry that is no time", header(CHARGE, { expires: "soon" })],
  ["a header of somebody else's", header(CHARGE, { header: "Cookie" })],
  ["no id", header(CHARGE, { id: undefined })],
  ["the same parameter twice", `${header()}, id="c2"`],
  ["a quote that does not end", header().slice(0, -1)],
  ["a request that is no JSON", header(CHARGE, { request: "e30x" })],
  [
    "a request that is nested too deep",
    header({ ...CHARGE, x: JSON.parse("[".repeat(20) + "]".repeat(20)) }),
  ],
])("%s is no offer", (_, text) => {
  expect(read(text)).toEqual([]);
});

test.each<[string, string]>([
  ["an empty id", header(CHARGE, { id: "" })],
  ["an id of 513 characters", header(CHARGE, { id: "i".repeat(513) })],
  ["a realm of 513 characters", header(CHARGE, { realm: "r".repeat(513) })],
  ["a digest of 513 characters", header(CHARGE, { digest: "d".repeat(513) })],
  ["a description of 4097 characters", header(CHARGE, { description: "d".repeat(4097) })],
  ["an opaque of 4097 characters", header(CHARGE, { opaque: "o".repeat(4097) })],
  ["another method", header(CHARGE, { method: "tempo" })],
  ["a chain below one", header(details({ chainId: 0 }))],
  ["half a chain", header(details({ chainId: 1.5 }))],
  ["a chain beyond all numbers", header(details({ chainId: 2 ** 53 }))],
  ["seventeen kinds of credentials", header(details({ credentialTypes: kinds(17) }))],
  [
    "a kind of 65 characters",
    header(details({ credentialTypes: ["authorization", "k".repeat(65)] })),
  ],
  ["decimals that are none", header(details({ decimals: 6.5 }))],
  ["more before the recipient", header({ ...CHARGE, recipient: `0${CHARGE.recipient}` })],
  ["more after the recipient", header({ ...CHARGE, recipient: `${CHARGE.recipient}d` })],
  ["an amount that is a number", header({ ...CHARGE, amount: 10_000 })],
])("%s is no offer", (_, text) => {
  expect(read(text)).toEqual([]);
});

test.each<[string, string]>([
  ["an id", header(CHARGE, { id: "i".repeat(512) })],
  ["a realm", header(CHARGE, { realm: "r".repeat(512) })],
  ["a digest", header(CHARGE, { digest: "d".repeat(512) })],
  ["a description", header(CHARGE, { description: "d".repeat(4096) })],
  ["an opaque", header(CHARGE, { opaque: "o".repeat(4096) })],
  ["kinds of credentials", header(details({ credentialTypes: kinds(16) }))],
  ["a kind", header(details({ credentialTypes: ["authorization", "k".repeat(64)] }))],
  ["an amount", header({ ...CHARGE, amount: "9".repeat(78) })],
  ["an expiry in another zone", header(CHARGE, { expires: "2026-11-21T01:01:00+01:00" })],
  ["no splits", header(details({ splits: [] }))],
  ["no decimals", header(details({ decimals: undefined }))],
  ["other decimals of a token that we do not know", header(details({ chainId: 7, decimals: 18 }))],
])("%s may go to the limit", (_, text) => {
  expect(read(text)).toHaveLength(1);
});

test("of one header, 32 challenges are read, and the header may have 16 KB", () => {
  const one = (id: number) => header(CHARGE, { id: `c${id}`, expires: undefined });
  const many = Array.from({ length: 33 }, (_, id) => one(id)).join(", ");
  expect(many.length).toBeLessThan(16 * 1024);
  expect(read(many)).toHaveLength(32);
  const full = one(1).padEnd(16 * 1024, " ");
  expect(read(full)).toHaveLength(1);
  expect(() => read(`${full} `)).toThrow(
    expect.objectContaining({
      code: "CHALLENGE_TOO_LARGE",
      problem: expect.stringMatching(/\w/),
      nextStep: expect.stringMatching(/do not pay/),
    }),
  );
});

test("a challenge without an expiry may be paid for five minutes, and none outlives the other clock's second", () => {
  const [offer] = read(header(CHARGE, { expires: undefined }));
  expect([offer?.maxTimeoutSeconds, offer?.expires]).toEqual([300, undefined]);
  const [later] = parseMppChallenges({
    header: header(CHARGE, { expires: "2026-11-21T00:01:00.900Z" }),
    url: "https://shop.example/",
    now: NOW + 900,
  });
  expect([later?.maxTimeoutSeconds, later?.expires]).toEqual([60, BigInt(NOW / 1000 + 60)]);
});

test("a realm may be the host with or without its port", () => {
  for (const realm of ["shop.example", "shop.example:8443"]) {
    const [offer] = read(header(CHARGE, { realm }), "https://shop.example:8443/");
    expect(offer?.resource).toBe("https://shop.example:8443/");
  }
});

test("a credential travels in the header that the challenge names", () => {
  const [offer] = read(header(CHARGE, { header: "Payment-Authorization" }));
  const authorization = {
    from: `0x${"aa".repeat(20)}`,
    to: offer!.payTo,
    value: 1n,
    validAfter: 0n,
    validBefore: 2n,
    nonce: "0x01",
  } as const;
  expect(encodeMppPayment(offer!, authorization, "0x02").name).toBe("Payment-Authorization");
});

test.each<[string, string]>([
  ["beyond 16 KB", encode({ status: "success", reference: "0xabc", pad: "p".repeat(16 * 1024) })],
  ["of another status", encode({ status: "", reference: "0xabc" })],
  ["with a reference of 257 characters", encode({ status: "success", reference: "r".repeat(257) })],
  ["without a reference", encode({ status: "success" })],
])("a receipt %s claims nothing", (_, value) => {
  expect(readMppReceipt(new Headers({ "Payment-Receipt": value }))).toBeUndefined();
});

test("a receipt may go to its limits", () => {
  const reference = "r".repeat(256);
  const bare = encode({ status: "success", reference, pad: "" });
  const pad = "p".repeat(Math.floor(((16 * 1024 - bare.length) * 3) / 4));
  const value = encode({ status: "success", reference, pad });
  expect(value.length).toBe(16 * 1024);
  expect(readMppReceipt(new Headers({ "Payment-Receipt": value }))).toBe(reference);
});

test("a header of more than 16 KB is refused", () => {
  expect(() => read(header(CHARGE, { description: "a".repeat(16 * 1024) }))).toThrow(
    expect.objectContaining({ code: "CHALLENGE_TOO_LARGE" }),
  );
});

test("a challenge that has expired leaves no time", () => {
  expect(read(header(CHARGE, { expires: "2026-11-20T23:59:00Z" }))[0]?.maxTimeoutSeconds).toBe(-60);
});

test("the nonce is keccak256(id || realm), and the credential echoes the challenge word for word", () => {
  const [offer] = read(header(CHARGE, { opaque: "e30", description: "One item" }));
  expect(mppNonce(offer!.mpp)).toBe(keccak256(toHex("c1shop.example")));
  const from = `0x${"aa".repeat(20)}` as const;
  const { name, value } = encodeMppPayment(
    offer!,
    { from, to: offer!.payTo, value: 10_000n, validAfter: 1n, validBefore: 2n, nonce: "0x01" },
    "0x02",
  );
  expect(name).toBe("Authorization");
  expect(
    JSON.parse(Buffer.from(value.replace("Payment ", ""), "base64url").toString()),
  ).toMatchObject({
    challenge: {
      id: "c1",
      realm: "shop.example",
      request: encode(CHARGE),
      opaque: "e30",
      description: "One item",
    },
    payload: {
      type: "authorization",
      from: expect.stringMatching(/^0x[aA]{40}$/),
      to: offer!.payTo,
      value: "10000",
      validAfter: "1",
      validBefore: "2",
      nonce: "0x01",
      signature: "0x02",
    },
    source: expect.stringMatching(/^did:pkh:eip155:84532:0x[aA]{40}$/),
  });
});

test.each<[string | undefined, string | undefined]>([
  [encode({ status: "success", reference: "0xabc", method: "evm" }), "0xabc"],
  [encode({ status: "failed", reference: "0xabc" }), undefined],
  ["nonsense", undefined],
  [undefined, undefined],
])("a receipt of %j claims %j", (value, claim) => {
  expect(readMppReceipt(new Headers(value === undefined ? {} : { "Payment-Receipt": value }))).toBe(
    claim,
  );
});

describe("WWW-Authenticate", () => {
  test("property: what was written is what is read, whatever the values hold", () => {
    const value = fc.string({ unit: "binary-ascii" }).filter((text) => !/[\r\n]/.test(text));
    const params = fc.dictionary(fc.constantFrom("id", "realm", "x-y", "opaque"), value, {
      minKeys: 1,
    });
    fc.assert(
      fc.property(fc.array(params, { minLength: 1, maxLength: 4 }), (list) => {
        const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
        const text = list
          .map(
            (entry) =>
              `Payment ${Object.entries(entry)
                .map(([key, text]) => `${key}=${quote(text)}`)
                .join(", ")}`,
          )
          .join(", ");
        expect(readAuthenticate(text).map(({ params }) => ({ ...params }))).toEqual(
          list.map((entry) => ({ ...entry })),
        );
      }),
    );
  });

  test("property: whatever a stranger writes, it is read or not, and never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void read(`Payment ${text}`)));
  });
});
