#!/usr/bin/env node
/** The door: `purser`. The only place that reads the command line and the environment, prints, or exits. */
import { start } from "./start.ts";

await start(process.argv.slice(2));
