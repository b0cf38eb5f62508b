/** The scenario format for editors and readers, made from the schema that checks it, so that they cannot drift apart. */
import { z } from "zod";
import { FrontMatter } from "./scenario.ts";

interface Schema {
  description?: string;
  type?: string;
  enum?: unknown[];
  const?: string;
  default?: string | object;
  pattern?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
}

/** The JSON Schema of the front matter, as text. */
export function scenarioJsonSchema(): string {
  const schema = z.toJSONSchema(FrontMatter, { io: "input" });
  return `${JSON.stringify({ title: "The front matter of a purser scenario", ...schema }, undefined, 2)}\n`;
}

const BEGIN = "<!-- vocabulary: made by scripts/scenario-schema.ts -->";
const END = "<!-- end of vocabulary -->";

/** The page with its vocabulary table as the schema has it now. */
export function fillVocabulary(page: string): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const [, after = ""] = rest.split(END);
  const rows = describeFields(z.toJSONSchema(FrontMatter, { io: "input" }) as Schema, "");
  const table = ["| Field | Value | What it means |", "|---|---|---|", ...rows].join("\n");
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

function describeFields({ properties = {} }: Schema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const field = `${prefix}${name}`;
    const preset =
      schema.default === undefined || typeof schema.default === "object"
        ? ""
        : ` Default: \`${schema.default}\`.`;
    const text = `${schema.description ?? ""}${preset}`.trim();
    const row = `| \`${field}\` | ${cell(describeValue(schema))} | ${cell(text)} |`;
    const inner = [schema, ...(schema.anyOf ?? [])].flatMap((branch) =>
      describeFields(branch, `${field}.`),
    );
    return [row, ...inner];
  });
}

function describeValue(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(describeValue))].join(", or ");
  if (schema.type === "array") return `list of: ${describeValue(schema.items ?? {})}`;
  if (schema.type === "object") return schema.properties ? "fields" : "text by name";
  if (schema.pattern?.includes("(\\.\\d{1,6})?") === true) return 'money, such as `"25.00"`';
  if (schema.type === "string") return "text";
  return schema.type ?? "";
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
