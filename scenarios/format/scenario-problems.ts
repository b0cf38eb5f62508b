/** Turns what the schema finds wrong into sentences for the person who wrote the scenario, and finds the place in the file. */
import { isNode, type Document } from "yaml";
import { z } from "zod";
import { nearestName } from "./nearest.ts";
import { FrontMatter } from "./scenario.ts";

interface Described {
  path: PropertyKey[];
  message: string;
}

/** What is wrong, in words that name the field and, for an unknown one, the field that was probably meant. */
export function describeIssue(issue: z.core.$ZodIssue): Described[] {
  const at = issue.path.length === 0 ? "a scenario" : `\`${issue.path.join(".")}\``;
  if (issue.code === "unrecognized_keys") {
    const known = knownNames(issue.path);
    return issue.keys.map((key) => {
      const meant = nearestName(key, known);
      const hint =
        meant === undefined
          ? `${at} has ${known.join(", ") || "no such fields"}`
          : `did you mean \`${meant}\`?`;
      return {
        path: [...issue.path, key],
        message: `Unknown field \`${[...issue.path, key].join(".")}\`: ${hint}`,
      };
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The branch that came furthest is the one that was meant.
    const [closest = []] = [...issue.errors].sort(
      (a, b) => depth(b) - depth(a) || a.length - b.length,
    );
    return closest.flatMap((inner) =>
      describeIssue({ ...inner, path: [...issue.path, ...inner.path] }),
    );
  }
  if (issue.code === "invalid_type" && issue.expected === "string") {
    return [{ path: issue.path, message: `${at} is text: put it in quotes, such as "25.00".` }];
  }
  const message = issue.message.replace(/^Invalid (option|input): /, "");
  return [{ path: issue.path, message: `${at}: ${message}` }];
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}

/** The offset of what stands at a path, or of the nearest thing above it. */
export function offsetOf(document: Document, path: PropertyKey[]): number | undefined {
  const { contents } = document;
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    for (const pair of (parent as { items?: unknown[] } | null)?.items ?? []) {
      const name = (pair as { key?: { value?: unknown; range?: [number, number, number] } }).key;
      if (name?.value === key && name?.range) return name.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** The fields that may stand at a path, read from the schema itself. */
function knownNames(path: PropertyKey[]): string[] {
  let schemas = [z.toJSONSchema(FrontMatter, { io: "input" }) as Schema];
  for (const key of path) {
    schemas = schemas
      .flatMap((schema) => [schema, ...(schema.anyOf ?? [])])
      .flatMap((schema) =>
        typeof key === "number" ? (schema.items ?? []) : (schema.properties?.[String(key)] ?? []),
      );
  }
  return schemas
    .flatMap((schema) => [schema, ...(schema.anyOf ?? [])])
    .flatMap(({ properties }) => Object.keys(properties ?? {}));
}
