#!/usr/bin/env node
/**
 * The door: the only place that reads the command line and the environment, prints, or exits. It starts fast: each command's
 * code is loaded when it is called, so that `--help` costs no more than its own text.
 */
import { run } from "./program.ts";

process.exitCode = await run(process.argv.slice(2));
