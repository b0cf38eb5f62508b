#!/usr/bin/env node
/** `npx purser` in a checkout: the command line from its sources, under the Node that this workspace brings. */
import "../cli/main.ts";
