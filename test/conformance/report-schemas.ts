/**
 * What others have published of the form of a report: SARIF 2.1.0 (OASIS, as `@microsoft/jest-sarif` carries it), HAR 1.2 (`har-schema`),
 * and Jenkins' XSD of JUnit, whose later editions only allow more. Each says what is wrong with a text, or nothing.
 */
import { readFileSync } from "node:fs";
import sarifSchema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json" with { type: "json" };
import { Ajv } from "ajv";
import AjvDraft04 from "ajv-draft-04";
import harSchemas from "har-schema";
import { XmlDocument, XsdValidator } from "libxml2-wasm";

type ProblemsOf = (text: string) => string | undefined;

const formats = {
  uri: (text: string) => URL.canParse(text) && !/\s/.test(text),
  "uri-reference": (text: string) => URL.canParse(text, "file:///") && !/\s/.test(text),
  "date-time": (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text),
  ipv4: () => true,
  ipv6: () => true,
};

// One of its patterns (a language's) is no regular expression of Unicode's kind.
const sarif = new AjvDraft04.default({
  strict: false,
  allErrors: true,
  unicodeRegExp: false,
  formats,
}).compile(sarifSchema);

// The schemas are of draft 6, whose words all mean the same to a reader of draft 7.
const harAjv = new Ajv({ strict: false, allErrors: true, formats });
for (const { $schema: _, ...schema } of Object.values(harSchemas)) harAjv.addSchema(schema);
const har = harAjv.getSchema("har.json#")!;

const XSD = readFileSync(new URL("schemas/jenkins-junit.xsd", import.meta.url));

const byJsonSchema =
  (validate: typeof har): ProblemsOf =>
  (text) =>
    validate(JSON.parse(text)) ? undefined : JSON.stringify(validate.errors);

function junit(text: string): string | undefined {
  using schema = XmlDocument.fromBuffer(XSD);
  using validator = XsdValidator.fromDoc(schema);
  try {
    using document = XmlDocument.fromString(text);
    validator.validate(document);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** By the formats that have a schema which is not ours. */
export const PROBLEMS_OF = {
  sarif: byJsonSchema(sarif),
  har: byJsonSchema(har),
  junit,
} satisfies Record<string, ProblemsOf>;
