import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ResourceRequest, typedValues, valuesError } from "../../protocol/index.ts";

const typed = (wanted: object, text: string) =>
  typedValues({ type: "object", properties: { value: wanted } }, { value: text })["value"];
const INTEGER = { type: "integer" };
const NUMBER = { type: "number" };
const BOOLEAN = { type: "boolean" };

test.each<[object, string, string | number | boolean]>([
  [INTEGER, "5", 5],
  [INTEGER, "-5", -5],
  [NUMBER, "0.5", 0.5],
  [BOOLEAN, "true", true],
  [BOOLEAN, "false", false],
  [{ enum: [1, 5, 25] }, "25", 25],
  [{ const: false }, "false", false],
  [{ type: ["integer", "null"] }, "5", 5],
  // It is told of the number that it is too large.
  [{ ...INTEGER, maximum: 9 }, "12", 12],
  // What takes the text gets it.
  [{ type: "string" }, "5", "5"],
  [{}, "true", "true"],
  [{ type: ["string", "integer"] }, "5", "5"],
  [{ type: "string", pattern: "^[a-z]$" }, "5", "5"],
  // What JSON would write otherwise is no number.
  ...["05", "5.0", "+5", "1e3", "5 ", "", "-0", "9007199254740993", "Infinity", "0x5"].map(
    (text): [object, string, string] => [NUMBER, text, text],
  ),
  [INTEGER, "5.5", "5.5"],
  [BOOLEAN, "TRUE", "TRUE"],
  [BOOLEAN, "1", "1"],
  [{ type: "array" }, "5", "5"],
  [{ $ref: "#/nowhere" }, "5", "5"],
])("what %j makes of %j", (wanted, text, value) => {
  expect(typed(wanted, text)).toBe(value);
});

test("what the schema says nothing of stays a text, and so does everything without one", () => {
  expect(typedValues(undefined, { a: "5" })).toEqual({ a: "5" });
  expect(typedValues({ type: "object" }, { a: "5" })).toEqual({ a: "5" });
  expect(typedValues({ properties: { b: INTEGER } }, { a: "5", toString: "5" })).toEqual({
    a: "5",
    toString: "5",
  });
});

test("a schema that does not say that it is an object's is one all the same", () => {
  const schema = { properties: { size: INTEGER }, required: ["size"] };
  expect(valuesError(schema, { size: "5" })).toBeUndefined();
  for (const wrong of [{ size: "a" }, {}])
    expect(valuesError(schema, wrong)?.issues).toMatchObject([{ path: ["size"] }]);
});

test("a value comes back from the wire as the text that it was made of, so that both have one identity", () => {
  const wanted = fc.constantFrom(INTEGER, NUMBER, BOOLEAN, { enum: [1, true, "1"] }, {});
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.double().map(String),
    fc.maxSafeInteger().map(String),
    fc.boolean().map(String),
  );
  fc.assert(
    fc.property(wanted, text, (schema, value) => {
      const wire = JSON.stringify({
        service_id: "box",
        configuration: typedValues({ properties: { value: schema } }, { value }),
      });
      expect(ResourceRequest.parse(JSON.parse(wire)).configuration).toEqual({ value });
    }),
  );
});
