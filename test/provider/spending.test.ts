import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BASE_SEPOLIA_USDC, type MandateClaims } from "../../protocol/index.ts";
import { type Connection, openConnections } from "../../provider/kit/connections.ts";
import { openSpending } from "../../provider/kit/spending.ts";
import { openDatabase } from "../../store/index.ts";

const CONNECTION: Connection = {
  id: "c",
  accountId: "a",
  issuer: "i",
  subject: "s",
  project: "p",
  agent: "",
  scope: "account",
};
const OTHER_PROJECT: Connection = { ...CONNECTION, id: "d", project: "q" };
const START = Date.parse("2026-11-30T12:00:00Z");

function mandate(changes: Partial<MandateClaims> = {}): MandateClaims {
  return {
    iss: CONNECTION.issuer,
    sub: CONNECTION.project,
    aud: "x",
    currency: "usd",
    max_amount_per_month: "0.00001",
    version: 1,
    iat: 0,
    exp: START / 1000 + 10_000_000,
    ...changes,
  };
}

/** A till with a cap of ten units. */
function open() {
  const clock = { now: START };
  const database = openDatabase(":memory:");
  const connections = openConnections(database);
  connections.renewMandate(CONNECTION.accountId, mandate());
  const spending = openSpending({
    database,
    connections,
    asset: BASE_SEPOLIA_USDC,
    now: () => clock.now,
  });
  const hold = (payment: string, amount: bigint, connection = CONNECTION) =>
    spending.hold({ connection, service: "s", amount, payment });
  return { clock, database, connections, spending, hold };
}

const code = (name: string) => expect.objectContaining({ code: name });

test("holds up to the cap to the unit, and not one more", () => {
  const { hold, spending } = open();
  hold("1", 4n);
  hold("2", 6n);
  expect(() => hold("3", 1n)).toThrow(code("spend_limit_exceeded"));
  expect(spending.spent(CONNECTION)).toBe(10n);
});

test("the same payment again is the same charge", () => {
  const { hold, spending } = open();
  hold("1", 8n);
  hold("1", 8n);
  spending.settle("1");
  hold("1", 8n);
  expect(spending.spent(CONNECTION)).toBe(8n);
});

test("what can never be paid is free again; what is settled is not", () => {
  const { hold, spending } = open();
  hold("1", 10n);
  spending.release("1");
  expect(spending.spent(CONNECTION)).toBe(0n);
  hold("2", 10n);
  spending.settle("2");
  spending.release("2");
  expect(spending.spent(CONNECTION)).toBe(10n);
});

test("a month begins at midnight UTC", () => {
  const { clock, hold, spending } = open();
  hold("1", 10n);
  clock.now = Date.parse("2026-11-30T23:59:59.999Z");
  expect(() => hold("2", 1n)).toThrow(code("spend_limit_exceeded"));
  clock.now += 1;
  hold("2", 1n);
  expect(spending.spent(CONNECTION)).toBe(1n);
});

test("a project without a mandate is charged nothing", () => {
  const { hold } = open();
  expect(() => hold("1", 1n, OTHER_PROJECT)).toThrow(code("mandate_invalid"));
});

test("the highest version of a mandate holds, and of one version the one that lasts longest", () => {
  const { connections } = open();
  const renew = (changes: Partial<MandateClaims>) =>
    connections.renewMandate(CONNECTION.accountId, mandate(changes));
  const cap = () => connections.mandateOf(CONNECTION)?.maxAmountPerMonth;
  renew({ version: 3, max_amount_per_month: "5.00" });
  renew({ version: 2, max_amount_per_month: "9.00" });
  expect(cap()).toBe("5.00");
  renew({ version: 3, max_amount_per_month: "9.00", exp: START });
  expect(cap()).toBe("5.00");
  renew({ version: 4, max_amount_per_month: "1.00" });
  expect(cap()).toBe("1.00");
});

test("whatever is held, settled and released in whatever order, held and settled stay within the cap", () => {
  const payment = fc.constantFrom("1", "2", "3", "4", "5");
  const step = fc.oneof(
    fc.record({ do: fc.constant("hold" as const), payment, amount: fc.bigInt(0n, 12n) }),
    fc.record({ do: fc.constantFrom("settle" as const, "release" as const), payment }),
    fc.record({ do: fc.constant("cap" as const), cap: fc.integer({ min: 0, max: 12 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { connections, database, spending, hold } = open();
      let cap = 10n;
      let version = 1;
      // Released is only what is proven never to settle.
      const dead = new Set<string>();
      for (const step of steps) {
        const before = spending.spent(CONNECTION);
        if (step.do === "cap") {
          cap = BigInt(step.cap);
          version += 1;
          const text = `0.${String(step.cap).padStart(6, "0")}`;
          const claims = mandate({ version, max_amount_per_month: text });
          connections.renewMandate(CONNECTION.accountId, claims);
        } else if (step.do === "hold") {
          try {
            hold(step.payment, step.amount);
          } catch (error) {
            expect(error).toEqual(code("spend_limit_exceeded"));
            expect(spending.spent(CONNECTION)).toBe(before);
          }
        } else if (step.do === "release") {
          dead.add(step.payment);
          spending.release(step.payment);
        } else if (!dead.has(step.payment)) spending.settle(step.payment);
        // A lowered cap takes nothing back, and lets nothing more through.
        const after = spending.spent(CONNECTION);
        expect(after <= cap || after <= before).toBe(true);
      }
      database.close();
    }),
  );
});
