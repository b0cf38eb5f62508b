/**
 * Writes what is made from the scenario's schema: `scenarios/scenario.schema.json`, for editors, and the vocabulary table of
 * `docs/scenarios.md`. Run it after a change of the format; a test fails until it has been run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fillVocabulary, scenarioJsonSchema } from "../scenarios/index.ts";

writeFileSync("scenarios/scenario.schema.json", scenarioJsonSchema());
const page = readFileSync("docs/scenarios.md", "utf8");
writeFileSync("docs/scenarios.md", fillVocabulary(page));
