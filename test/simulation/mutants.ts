/** Every wrong wallet that the simulation must see through. */
import { CALL_MUTANTS } from "./call-mutants.ts";
import { LEDGER_MUTANTS } from "./ledger-mutants.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [...LEDGER_MUTANTS, ...CALL_MUTANTS];
