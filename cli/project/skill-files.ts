/** What `init` leaves for agents: how the commands are used in this repository, as a skill and as a part of `AGENTS.md`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "./project-folder.ts";

const BEGIN = "<!-- purser: begin -->";
const END = "<!-- purser: end -->";

/** Gives the paths that were written, relative to the root. */
export function writeSkills(
  root: string,
  { tool, project }: { tool: string; project: string },
): string[] {
  const name = tool === "purser" ? "purser" : "stripe-projects-cli";
  const skill = [
    "---",
    `name: ${name}`,
    `description: Provision third-party services (databases, hosting, domains, storage) and their credentials for this repository with \`${tool}\`.`,
    "---",
    "",
    `# ${tool}`,
    "",
    `This repository belongs to the project ${JSON.stringify(project)}.`,
    "",
    ...guide(tool),
    "",
  ].join("\n");
  // Agents look in different places; the published skill is tested for in the second one.
  const places = [`.agents/skills/${name}/SKILL.md`];
  if (tool !== "purser") places.push(`.claude/skills/${name}/SKILL.md`);
  for (const place of places) writeWhole(join(root, place), skill);
  patchAgents(root, ["## Services", "", ...guide(tool)].join("\n"));
  return [...places, "AGENTS.md"];
}

function guide(tool: string): string[] {
  return [
    `1. \`${tool} status --json\` says what there is; \`${tool} catalog --json\` and \`${tool} search <words> --json\` what can be had.`,
    `2. \`${tool} add <provider>/<service> --preflight --json\` says what stands in the way. Take the reference from the catalog; do not guess it.`,
    `3. \`${tool} add <provider>/<service> --non-interactive --json\` provisions it. Repeating it is safe: it finds what the first one made. \`--config '<json>'\` where the catalog entry has a configuration_schema, \`--name <name>\` for a second one of the same service.`,
    `4. \`--accept-tos\` and \`--confirm-paid-service\` are the person's word. Tell them the terms or the price that the refusal names, and give the flag only when they agree.`,
    `5. \`${tool} env\` names the variables; \`${tool} env --pull\` writes their values to the project's output file. Do not print that file or anything under \`.projects/\`.`,
    `6. \`${tool} env list\`, \`env create <name> --output .env.<name>\` and \`env use <name>\` keep variables of several environments apart; \`env add\` and \`env remove\` say which resources the active one has. \`${tool} variables set <name> --env-key <KEY> --value -\` keeps a value of the person's own.`,
    `7. \`${tool} billing show\` and \`${tool} spend\` say what pays, what was spent, and the limit; raising the limit is the person's decision.`,
    `8. A refusal has a code and \`next_steps\`: BROWSER_AUTH_REQUIRED needs the person's browser, PLAN_REQUIRED a plan to be added first, JSON_REQUIRES_CONFIRMATION the person's yes (\`--yes\`).`,
    `9. A warning that a next period could not be paid is the person's to hear; \`${tool} renew <resource> --confirm-paid-service\` pays it when they agree to its price.`,
    `10. \`remove\`, \`rotate\`, \`upgrade\` and \`downgrade\` take a resource's id or its name, as \`${tool} services list\` shows them.`,
    `11. \`${tool} consents\` says which agent may use which account, and for what; taking one back (\`consents revoke\`) is the person's decision.`,
  ];
}

/** Replaces our part of the file, or adds it at the end; the rest is the person's. */
function patchAgents(root: string, text: string): void {
  const file = join(root, "AGENTS.md");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const part = `${BEGIN}\n${text}\n${END}`;
  const begin = before.indexOf(BEGIN);
  const end = before.indexOf(END, begin);
  if (begin !== -1 && end !== -1) {
    writeWhole(file, before.slice(0, begin) + part + before.slice(end + END.length));
    return;
  }
  const gap = before === "" ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  writeWhole(file, `${before}${gap}${part}\n`);
}
